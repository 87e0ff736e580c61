"""Find prompts that begin alike, so that their common prefix is read once. No torch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mmprolong.conversations import Image
from mmprolong.models.encoding import Encoded

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


def reduce_prompt(place: int, prompt: Encoded, numbers: dict[Image, int]) -> Symbols:
    """Return the symbols of a prompt.

    Args:
        numbers: of the images met so far, alike if they are the same reference; grows.
    """
    symbols, ends, at = [], [], 0
    for image, (start, end) in zip(prompt.images, prompt.spans.tolist(), strict=True):
        symbols += [prompt.ids[at:start], [_FIRST_IMAGE + numbers.setdefault(image, len(numbers))]]
        ends += [np.arange(at + 1, start + 1), [end]]
        at = end
    symbols.append(prompt.ids[at:])
    ends.append(np.arange(at + 1, len(prompt) + 1))
    return Symbols(place, np.concatenate(symbols).astype(">u4").tobytes(), np.concatenate(ends))


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
