"""One file a format of other trainers: a frozen dataclass that satisfies `DataFormat`.

Each was written from the trainer's source at the commit that it names; the trainer is not needed to write its format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Protocol

from mmprolong.conversations import Conversation, Text, flat

IMAGE = "<image>"
"""Stands in a turn's text for the next image of the row, in all the formats here."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as other trainers have it: text with marks where images stand."""

    role: str
    runs: tuple[Text, ...]
    """Neighbours that are learned alike are one run; the marks of images are not learned."""

    @property
    def text(self) -> str:
        """Text of the whole turn."""
        return "".join(run.text for run in self.runs)

    @property
    def whole(self) -> bool:
        """All of it is learned."""
        return bool(self.runs) and all(run.learned for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An export, as a trainer must be told of it."""

    folder: Path
    backbone: str
    """Name of the family."""
    sequence_length: int
    """Capacity of a pack [tokens]."""
    tokens: int
    min_pixels: int
    """Area of the smallest and of the largest image [px]; 0: there are none."""
    max_pixels: int


class DataFormat(Protocol):
    """A trainer's format of conversations about images."""

    version: ClassVar[int]
    trainer: ClassVar[str]
    """Where it was read: URL with commit."""
    templates: ClassVar[Mapping[str, str]]
    """The trainer's name of the chat template of each backbone that it can train."""
    marks: ClassVar[tuple[str, ...]]
    """Stretches that the trainer does not read as text."""

    def problem(self, turns: Sequence[Turn]) -> str:
        """Return why the format cannot hold a conversation, short and countable; empty: it can."""
        ...

    def row(self, turns: Sequence[Turn], images: Sequence[str]) -> dict[str, Any]:
        """Return one line of data.jsonl.

        Args:
            images: paths, in the order of their marks.
        """
        ...

    def settings(self, facts: Facts) -> dict[str, Any]:
        """Return the trainer's settings on which token counts, packs and order depend."""
        ...

    def files(self) -> dict[str, Any]:
        """Return further JSON files that the trainer needs, by name."""
        ...

    def notes(self, facts: Facts) -> list[str]:
        """Return what a user must know about the trainer, each a sentence or two."""
        ...


def turns_of(conversation: Conversation) -> list[Turn]:
    """Return the turns of a conversation without films."""
    turns = []
    for message in conversation:
        texts = (part if isinstance(part, Text) else Text(IMAGE) for part in flat(message.parts))
        joined = ((learned, "".join(text.text for text in run)) for learned, run in groupby(texts, lambda t: t.learned))
        turns.append(Turn(message.role, tuple(Text(text, learned) for learned, text in joined if text)))
    return turns


def mark_in(conversation: Conversation, marks: Sequence[str]) -> str:
    """Return the first of `marks` that the text of a conversation holds; empty: none."""
    texts = [part.text for message in conversation for part in message.parts if isinstance(part, Text)]
    return next((mark for mark in marks if any(mark in text for text in texts)), "")


def order_problem(turns: Sequence[Turn]) -> str:
    """Return why turns are not questions and answers, after at most one system's turn; empty: they are."""
    roles = [turn.role for turn in turns]
    roles = roles[1:] if roles[:1] == ["system"] else roles
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        return "turns are not questions and answers"
    if not all(turn.text for turn in turns):
        return "a turn is empty"
    if any(IMAGE in turn.text for turn in turns if turn.role == "assistant"):
        return "an answer shows an image"
    return ""
