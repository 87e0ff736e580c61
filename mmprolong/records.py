"""Records in which the stages meet: frozen, typed, stored in files that any tool reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from mmprolong.conversations import Conversation


class Gold(msgspec.Struct, frozen=True, omit_defaults=True):
    """The right answer to one question."""

    answer: Any
    """A string, a number, a list or null, as the benchmark has it."""
    format: str = "String"
    """String, Integer, Float, List, None, or a benchmark's own word."""
    evidence: tuple[int, ...] = ()
    """Places among the images shown, from 0, that the answer rests on."""
    choices: tuple[str, ...] = ()


class Example(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Training conversations about one document, before any model counts or draws them."""

    id: str
    task: str
    """extract_single, extract_multi, reasoning, ocr_full or ocr_needle, ..."""
    cluster: str
    """Unit of dependence for intervals: the document's id."""
    sources: tuple[str, ...]
    """Ids of the documents shown."""
    conversations: dict[str, Conversation]
    """`answer` for supervised training; `chosen`, `rejected` and `reference` for preferences."""
    gold: tuple[Gold, ...] = ()
    """Gold of each answer, in order."""
    length: str = ""
    """Nominal length, as it was asked for ('8x'); empty: the document as it is."""
    facts: dict[str, str] = {}
    """More that is known of it: `evidence` (Text, Layout, Figure, Table), `kind` (the template)."""
    origin: str = ""
    """Writer, task and version."""


class Measured(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Exact lengths of one conversation for one backbone and one view: all that mixing and packing read."""

    example: str
    conversation: str
    task: str
    cluster: str
    length: str
    tokens: int
    supervised: int
    """Tokens that carry loss."""
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Something refused, and why. Counted and written down, never silent."""

    what: str
    """The refused item: a file, a page, an example."""
    reason: str
    """Short and countable: encrypted, zero pages, timed out, ..."""
    detail: str = ""


class Pack(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Examples that share one training sequence, each attending to itself only."""

    id: int
    examples: tuple[str, ...]
    lengths: tuple[int, ...]
    """Tokens of each example."""
    supervised: tuple[int, ...]
    """Tokens of each example that carry loss."""

    @property
    def tokens(self) -> int:
        """Tokens of the whole pack."""
        return sum(self.lengths)


class Sample(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One evaluation question."""

    id: str
    benchmark: str
    """Name under which the suite has the benchmark."""
    task: str
    """Task or data set within the benchmark."""
    length: str
    """Nominal length: a multiple of the native context ('4x'), tokens ('64K') or pages ('64p')."""
    cluster: str
    """Unit by which confidence intervals are clustered: the document."""
    prompt: Conversation
    gold: Gold
    facts: dict[str, str | float] = {}
    """More that is known of it: `depth` (0 is the first image, 1 the last), `evidence`, document type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's answer to a sample."""

    sample: str
    text: str
    prompt_tokens: int
    cached_tokens: int = 0
    """Tokens of the prompt that were computed for another one before."""
    reply_tokens: int
    cut: bool
    """True if the reply reached the token limit before it ended."""
    seconds: float = 0.0
    """Its share of the time that its batch took [s], while the step runs; then it stands in seconds.jsonl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A scorer's verdict on one reply."""

    value: float
    """In [0, 1]."""
    parsed: str = ""
    """The answer that was compared."""
    malformed: bool = False
    """The official code crashes on this reply or gold; the value is 0."""
    also: dict[str, float] = field(default_factory=dict)
    """Other marks of the same reply, by name: `rule`, `judge`, ..."""
    judge: str = ""
    """Model that judged; empty: a rule."""
    reason: str = ""
    unparsed: bool = False
    """The judge was asked twice and gave no verdict; the value is 0."""
    prompt: str = ""
    """Beginning of the SHA-256 of the prompt that the judge was shown."""


PROBE = "probe: "
"""Begin of the task of questions that were changed to see what an answer rests on."""


class Cell(NamedTuple):
    """Questions that are averaged first: one task at one length of one benchmark."""

    benchmark: str
    task: str
    length: str

    @property
    def is_probe(self) -> bool:
        """Tell whether its questions were changed; no mean over others holds them."""
        return self.task.startswith(PROBE)


Average = Mapping[Cell, float]
"""Weights of a mean over cells; they add up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One judged reply: the question's facts and the mark. One line of `scores.jsonl`."""

    sample: str
    benchmark: str
    task: str
    length: str
    cluster: str
    target: str
    """The gold answer as text."""
    value: float
    """In [0, 1]."""
    parsed: str
    malformed: bool = False
    also: dict[str, float] = field(default_factory=dict)
    judge: str = ""
    reason: str = ""
    unparsed: bool = False
    prompt: str = ""
    facts: dict[str, str | float] = field(default_factory=dict)
    """Facts of the sample."""

    @property
    def cell(self) -> Cell:
        """Task, length and benchmark."""
        return Cell(self.benchmark, self.task, self.length)
