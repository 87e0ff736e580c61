"""The protocol of a model family: exact tokens, pixels, positions. No torch, so that any node can count."""

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image, Message, Pages, Part, Text, flat
from mmprolong.errors import DataError
from mmprolong.images.sources import Images, sizes
from mmprolong.models.encoding import Encoded, Piece
from mmprolong.settings.knobs import Model, View

if TYPE_CHECKING:
    from mmprolong.models.network import Network

_KNOWN_RUNS = 65_536
"""Runs of pages whose tokens are kept."""
_COUNTED = Image("")
"""Stands for a run of pages whose tokens are known."""


class Backbone(Protocol):
    """A model family with the tokenizer and the image format of one model. Only `load` imports torch."""

    @property
    def image_token(self) -> int:
        """Id of the token that stands for a part of an image."""
        ...

    @property
    def marks(self) -> int:
        """Number of tokens around an image, which are the same wherever it stands."""
        ...

    @property
    def end(self) -> tuple[int, ...]:
        """Ids that end a reply; the first ends a turn of the assistant."""
        ...

    def pieces(self, messages: Conversation, answer: bool = False) -> Iterator[Piece]:
        """Yield the pieces of a conversation in order, each supervised or not.

        Args:
            answer: the model is to answer next. A last turn of the assistant that is not learned is then one that the
                model continues.

        Raises:
            DataError: the model cannot take a part.
        """
        ...

    def grid(self, width: int, height: int, view: View) -> tuple[int, int]:
        """Return rows and columns of patches of an image of this size [px].

        Raises:
            DataError: the model cannot take such an image.
        """
        ...

    def span(self, rows: int, columns: int) -> list[int]:
        """Return the ids that an image of so many patches takes in the sequence."""
        ...

    def fit(self, page: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Return a page resized to so many patches, uint8 as it was: what `patches` normalises."""
        ...

    def patches(self, pages: Sequence[np.ndarray], grids: np.ndarray) -> np.ndarray:
        """Return uint8 (patches, colours * side * side) of all images, in order; the network normalises.

        Args:
            pages: as `Images.pixels` gives them.
            grids: int64 (images, 3), to which they are resized.
        """
        ...

    def positions(self, encoded: Encoded) -> np.ndarray | None:
        """Return int64 (axes, S), or None if a position is the plain index."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply, up to its end."""
        ...

    def write_processor(self, folder: Path) -> None:
        """Write the files that read text and images for the model: tokenizer, chat template, image format."""
        ...

    def load(self, model: Model, folder: Path | None = None) -> "Network":
        """Return the network with the weights in `folder`, or else with those that `model` begins with.

        Raises:
            ConfigError: there are none, or they are of another family.
        """
        ...


class Family(Protocol):
    """A plug-in of `mmprolong.models.backbones`."""

    def at(self, path: str) -> Backbone:
        """Return the backbone of the model at `path`, a folder or a hub name, whose files are read when needed."""
        ...


def find(choice: plugins.Choice, path: str = "") -> Backbone:
    """Return the backbone that `model.backbone` and `model.path` name.

    Raises:
        InvalidSettings: there is none of that name; names the nearest.
    """
    family: Family = plugins.make("mmprolong.models.backbones", choice, "model.backbone")
    return family.at(path)


def encode(backbone: Backbone, messages: Conversation, images: Images, view: View, answer: bool = False) -> Encoded:
    """Return a conversation as the model is trained on it, or a prompt that it is to answer.

    Raises:
        DataError: the model cannot take a part or an image; names it.
    """
    ids: list[int] = []
    supervised: list[bool] = []
    shown: list[Image] = []
    grids: list[tuple[int, int, int]] = []
    spans: list[tuple[int, int]] = []
    for piece, learned in backbone.pieces(as_shown(messages, view), answer):
        if isinstance(piece, Image):
            rows, columns = grid_of(backbone, piece, images, view)
            tokens = backbone.span(rows, columns)
            shown.append(piece)
            grids.append((1, rows, columns))
            spans.append((len(ids), len(ids) + len(tokens)))
        else:
            tokens = piece
        ids += tokens
        supervised += [learned] * len(tokens)
    return Encoded(
        ids=np.array(ids, np.int64),
        supervised=np.array(supervised, bool),
        images=tuple(shown),
        grids=np.asarray(grids, np.int64).reshape(-1, 3),
        spans=np.asarray(spans, np.int64).reshape(-1, 2),
    )


class TokenCounter:
    """Exact tokens of conversations, without making their ids.

    The tokens of an image follow from its size, and those of a run of pages are added up once for all conversations
    that show it.
    """

    def __init__(self, backbone: Backbone, images: Images, view: View) -> None:
        self._backbone = backbone
        self._images = images
        self._view = view
        self._by_size: dict[tuple[int, int], int] = {}
        self._of_run = lru_cache(_KNOWN_RUNS)(self._add_up)

    def count(self, messages: Conversation) -> tuple[int, int]:
        """Return the tokens of a conversation, and how many of them carry loss.

        Raises:
            DataError: the model cannot take a part or an image; names it.
        """
        tokens = supervised = 0
        if self._view.page_index:
            messages = with_page_indices(messages)
        else:
            messages, tokens = self._shortened(messages)
        for piece, learned in self._backbone.pieces(messages):
            if isinstance(piece, list):
                length = len(piece)
            else:  # the marks around a run are counted with it
                length = -self._backbone.marks if piece is _COUNTED else self._image(piece)
            tokens += length
            if learned:
                supervised += length
        return tokens, supervised

    def _shortened(self, messages: Conversation) -> tuple[Conversation, int]:
        """Return a conversation with one image in the place of each run of pages, and the tokens of the runs."""
        counted, shown = 0, []
        for message in messages:
            parts = list(message.parts)
            for place, part in enumerate(parts):
                if isinstance(part, Pages):
                    if part.stamps:  # all are equally large
                        part = Pages(part.source, part.first, part.last, ("A0",) * (part.last + 1 - part.first))
                    counted += self._of_run(part)
                    parts[place] = _COUNTED
            shown.append(Message(message.role, tuple(parts)))
        return tuple(shown), counted

    def _add_up(self, run: Pages) -> int:
        found, marks = sizes(self._images, run), self._backbone.marks
        if found.keys() <= self._by_size.keys():
            return sum(count * (self._by_size[size] + marks) for size, count in found.items())
        return sum(self._image(page) + marks for page in run.images())

    def _image(self, image: Image) -> int:
        size = self._images.size(image)
        if size not in self._by_size:
            self._by_size[size] = len(self._backbone.span(*grid_of(self._backbone, image, self._images, self._view)))
        return self._by_size[size]


def as_shown(messages: Conversation, view: View) -> Conversation:
    """Return a conversation as a model is shown it in a view: with page indices, if the view has them."""
    return with_page_indices(messages) if view.page_index else messages


def grid_of(backbone: Backbone, image: Image, images: Images, view: View) -> tuple[int, int]:
    """Return rows and columns of the patches of an image.

    Raises:
        DataError: the model cannot take it; names it.
    """
    width, height = images.size(image)
    try:
        return backbone.grid(width, height, view)
    except DataError as error:
        raise DataError(f"image {image.source} page {image.index + 1}: {error}") from error


def with_page_indices(conversation: Conversation) -> Conversation:
    """Return a conversation with a line before each image that says which one it is, from 1.

    Source: arXiv 2602.15257 ("Page 1:" and a line feed before each image).
    """
    numbers = itertools.count(1)

    def parts(message: Message) -> Iterator[Part]:
        for part in flat(message.parts):
            if isinstance(part, Image):
                yield Text(f"Page {next(numbers)}:\n")
            yield part

    return tuple(Message(message.role, tuple(parts(message))) for message in conversation)
