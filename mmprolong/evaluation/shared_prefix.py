"""Find prompts that begin alike, so that their common prefix is read once. No torch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from mmprolong.conversations import Conversation, Image
from mmprolong.errors import DataError
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone, as_shown, grid_of
from mmprolong.models.encoding import Piece
from mmprolong.records import Reject, Sample
from mmprolong.settings.knobs import View

SHARED = 0.5
"""Share of a prompt that its neighbour must begin with: with less, a copy of the cache costs more than it saves."""
_FIRST_IMAGE = 1 << 31
"""Symbols from here on are images; below are ids of text."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """A prompt in which an image is one symbol, whatever its tokens: a prefix of symbols never ends inside one."""

    prompt: int
    """Place among the prompts."""
    key: bytes
    """Big-endian uint32, so that keys sort as the sequences do."""
    ends: np.ndarray
    """int64: tokens up to the end of each symbol."""

    @property
    def tokens(self) -> int:
        """Tokens of the whole prompt."""
        return int(self.ends[-1])

    @property
    def before_last(self) -> int:
        """Tokens before the last symbol, which is never read apart: its state gives the first token of the reply."""
        return int(self.ends[-2]) if len(self.ends) > 1 else 0

    def images_behind(self, tokens: int) -> tuple[int, int]:
        """Return how many images end behind the first `tokens`, and their tokens."""
        shown = (np.frombuffer(self.key, ">u4") >= _FIRST_IMAGE) & (self.ends > tokens)
        return int(shown.sum()), int(np.diff(self.ends, prepend=0)[shown].sum())

    def shared_with(self, other: "Symbols") -> int:
        """Return the tokens that both begin with, without the last symbol of either."""
        shortest = min(len(self.ends), len(other.ends)) - 1
        mine, theirs = (np.frombuffer(each.key, ">u4", shortest) for each in (self, other))
        differs = np.flatnonzero(mine != theirs)
        same = int(differs[0]) if len(differs) else shortest
        return int(self.ends[same - 1]) if same else 0


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts that share their first tokens."""

    prompts: tuple[int, ...]
    """Places among all prompts, ascending."""
    prefix: int
    """Tokens that are read once."""
    longest: int
    """Tokens of the longest prompt."""


class Prompts:
    """Reduces prompts to symbols without drawing a page; images of one reference are one symbol.

    Args:
        count: returns the tokens of an image; raises DataError where the model cannot take it.
    """

    def __init__(self, pieces: Callable[[Conversation], Iterable[Piece]], count: Callable[[Image], int]) -> None:
        self._pieces, self._count = pieces, count
        self._images: dict[Image, tuple[int, int]] = {}
        """Number and tokens of the images met so far."""

    @classmethod
    def of(cls, backbone: Backbone, images: Images, view: View) -> Self:
        """Return the prompts that a backbone reads in a view: exact."""
        spans: dict[tuple[int, int], int] = {}

        def count(image: Image) -> int:
            grid = grid_of(backbone, image, images, view)
            if grid not in spans:
                spans[grid] = len(backbone.span(*grid))
            return spans[grid]

        return cls(lambda prompt: backbone.pieces(as_shown(prompt, view), answer=True), count)

    def reduce_all(self, samples: Iterable[Sample]) -> tuple[list[Sample], list[Symbols], list[Reject]]:
        """Return the samples that the model can take, the symbols of their prompts, and the refused ones."""
        accepted: list[Sample] = []
        prompts: list[Symbols] = []
        refused: list[Reject] = []
        for sample in samples:
            try:
                prompts.append(self.reduce(len(accepted), sample.prompt))
                accepted.append(sample)
            except DataError as error:
                refused.append(Reject(what=sample.id, reason="prompt refused", detail=str(error)))
        return accepted, prompts, refused

    def reduce(self, place: int, prompt: Conversation) -> Symbols:
        """Return the symbols of a prompt.

        Raises:
            DataError: the model cannot take a part of it.
        """
        symbols: list[int] = []
        ends: list[int] = []
        at = 0
        for piece, _ in self._pieces(prompt):
            if isinstance(piece, Image):
                number, tokens = self._image(piece)
                symbols.append(_FIRST_IMAGE + number)
                at += tokens
                ends.append(at)
            else:
                symbols += piece
                ends += range(at + 1, at + len(piece) + 1)
                at += len(piece)
        return Symbols(place, np.array(symbols, ">u4").tobytes(), np.array(ends, np.int64))

    def _image(self, image: Image) -> tuple[int, int]:
        if image not in self._images:
            self._images[image] = len(self._images), self._count(image)
        return self._images[image]


def group_prompts(prompts: Iterable[Symbols]) -> list[Group]:
    """Return the groups that read the fewest tokens; every prompt is in one.

    Prompts are sorted, so that those that begin alike are neighbours.
    """
    found: list[Group] = []
    for run, shared in _runs(sorted(prompts, key=lambda each: each.key)):
        found += _best(run, shared)[1]
    return found


def _runs(prompts: Sequence[Symbols]) -> Iterator[tuple[list[Symbols], list[int]]]:
    """Yield runs of neighbours that might share a prefix, and the tokens that each shares with the next."""
    run, shared = [prompts[0]] if prompts else [], []
    for before, prompt in pairwise(prompts):
        tokens = before.shared_with(prompt)
        if tokens < SHARED * max(before.tokens, prompt.tokens):
            yield run, shared
            run, shared = [], []
        else:
            shared.append(tokens)
        run.append(prompt)
    if run:
        yield run, shared


def _best(run: Sequence[Symbols], shared: Sequence[int]) -> tuple[int, list[Group]]:
    """Return the tokens saved and the groups: all prompts together, or apart where they share least."""
    longest = max(each.tokens for each in run)
    prefix = min(shared, default=run[0].before_last)
    group = Group(tuple(sorted(each.prompt for each in run)), prefix, longest)
    if not shared:
        return 0, [group]
    cuts = [0, *(place + 1 for place, tokens in enumerate(shared) if tokens == prefix), len(run)]
    apart = [_best(run[low:high], shared[low : high - 1]) for low, high in pairwise(cuts)]
    saved = sum(tokens for tokens, _ in apart)
    if (len(run) - 1) * prefix >= saved:
        return (len(run) - 1) * prefix, [group]
    return saved, [each for _, found in apart for each in found]
