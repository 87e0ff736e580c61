"""Conversations: the turns that a model reads and writes, of text and of images by reference."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1, from the top left."""


# gc=False: millions are made, and none can be part of a cycle
class Text(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="text"):
    """A stretch of text."""

    text: str
    learned: bool = False
    """Carries loss: the model is trained to write it. Only in the assistant's turns."""


class Image(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="image"):
    """A picture by reference, drawn when it is needed."""

    source: str
    """`pdf:SHA-256`, `file:SET/PATH`, `table:SET/PATH#COLUMN@ROW` or `video:SET/PATH#WIDTHxHEIGHT`."""
    index: int = 0
    """Page, place in a cell, or second of a film, from 0."""
    crop: Box | None = None
    """Part that is shown, in shares of width and height."""
    stamp: str = ""
    """Key and value printed into the corner of the page's thumbnail ('A7'); empty: the page as it is."""


class Pages(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="pages"):
    """A run of pages of one document: as many images, stored as one range."""

    source: str
    first: int
    last: int
    """Inclusive."""
    stamps: tuple[str, ...] = ()
    """Stamp of each page; none: the pages as they are."""

    def images(self) -> Iterator[Image]:
        """Yield the pages one by one."""
        for number, page in enumerate(range(self.first, self.last + 1)):
            yield Image(self.source, page, stamp=self.stamps[number] if self.stamps else "")


class Video(msgspec.Struct, frozen=True, omit_defaults=True, tag="video"):
    """Frames of a film."""

    frames: tuple[Image, ...]
    fps: float


Part = Text | Image | Pages | Video


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]
    """In the order in which they are read."""

    @property
    def text(self) -> str:
        """All text of the turn, joined by single spaces."""
        return " ".join(part.text for part in self.parts if isinstance(part, Text))


Conversation = tuple[Message, ...]


def images_of(conversation: Iterable[Message]) -> Iterator[Image]:
    """Yield the images of a conversation in the order in which they are read."""
    for message in conversation:
        yield from (part for part in flat(message.parts) if isinstance(part, Image))


def image_count(conversation: Iterable[Message]) -> int:
    """Return the number of images of a conversation."""
    parts = (part for message in conversation for part in message.parts)
    return sum(part.last - part.first + 1 if isinstance(part, Pages) else isinstance(part, Image) for part in parts)


def flat(parts: Iterable[Part]) -> Iterator[Text | Image | Video]:
    """Yield the parts with every run of pages as its images."""
    for part in parts:
        if isinstance(part, Pages):
            yield from part.images()
        else:
            yield part
