"""Records in which the stages meet: frozen, typed, stored in files that any tool reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from socket import gethostname
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from mmprolong.errors import DataError, writing

T = TypeVar("T")
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1, from the top left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One PDF of the pool, opened and measured."""

    id: str
    """SHA-256 of the file's content (after gunzip), hex."""
    source: str
    """Path relative to the pool's folder."""
    licence: str = "unknown"
    page_sizes: tuple[tuple[float, float], ...] = ()
    """Width and height of each page [pt], as displayed (rotation applied)."""
    outline: tuple["Heading", ...] = ()
    text_digest: str = ""
    """SHA-256 of the normalised text of the first pages; empty if they have little."""

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A document that may be used, and for what."""

    document: str
    split: str
    """`train` or `heldout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One entry of a document's outline."""

    title: str
    level: int
    """1 is the top level."""
    page: int
    """Index from 0."""
    y: float
    """Distance from the top of the page [pt]; titles on one page are ordered by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One layout block of a page, in reading order."""

    document: str
    page: int
    kind: str
    """title, section, paragraph, table, figure, caption, header, footer, equation, list or code."""
    box: Box
    """[pt]"""
    text: str
    order: int
    """Reading order on the page, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of consecutive sections or pages of one document, with the words that name it."""

    document: str
    first_page: int
    last_page: int
    """Inclusive, index from 0."""
    anchor: str
    """Name of the segment in a question: 'in the section "Methods"', 'on pages 20-25' (page numbers from 1)."""
    headings: tuple[str, ...] = ()


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag="text"):
    """A stretch of text."""

    text: str
    learned: bool = False
    """Carries loss: the model is trained to write it. Only in the assistant's turns."""


class Image(msgspec.Struct, frozen=True, omit_defaults=True, tag="image"):
    """A picture by reference, drawn when it is needed."""

    source: str
    """`pdf:SHA-256`, `file:SET/PATH` or `video:SHA-256`."""
    index: int = 0
    """Page or frame, from 0."""
    crop: Box | None = None
    """Part that is shown, in shares of width and height."""
    stamp: str = ""
    """Key and value printed into the corner of the page's thumbnail ('A7'); empty: the page as it is."""


class Pages(msgspec.Struct, frozen=True, omit_defaults=True, tag="pages"):
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


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]
    """In the order in which they are read."""

    @property
    def text(self) -> str:
        """All text of the turn, joined by single spaces."""
        return " ".join(part.text for part in self.parts if isinstance(part, Text))


Conversation = tuple[Message, ...]


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
    """Who wrote it: writer, task and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Weights ready to be trained on or evaluated."""

    backbone: str
    updates: int
    tokens: int
    """Training tokens seen over all phases."""
    rope_base: float
    rope_fingerprint: str
    """Hash of the rotary frequencies that the model really uses."""


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
    reply_tokens: int
    cut: bool
    """True if the reply reached the token limit before it ended."""


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


class Cell(NamedTuple):
    """Questions that are averaged first: one task at one length of one benchmark."""

    benchmark: str
    task: str
    length: str


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
    facts: dict[str, str | float] = field(default_factory=dict)
    """Facts of the sample."""

    @property
    def cell(self) -> Cell:
        """Task, length and benchmark."""
        return Cell(self.benchmark, self.task, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished step: settings, metrics, machine. `done.json` of every folder in the store."""

    id: str
    stage: str
    version: int
    settings: dict[str, Any]
    """The settings that name the step: those that are not at their default."""
    needs: dict[str, str]
    """`stage/id` of its finished inputs, by role."""
    metrics: dict[str, Any]
    outputs: dict[str, str]
    """SHA-256 of every file that the step wrote, by name."""
    label: str = ""
    """A person's name for it: ablation and point that first asked for the step."""
    started: str = ""
    """When the attempt began that finished; UTC, ISO 8601."""
    seconds: float = 0.0
    """Wall time of that attempt and of those that it continued, each until its last report of progress [s]."""
    cpu_hours: float = 0.0
    """In the same attempts, of the process that ran the step and of those that read PDFs for it."""
    commit: str = ""
    """Git commit of the code, with `+` if the tree was changed."""
    code: dict[str, str] = field(default_factory=dict)
    """Digests of the source files of the stage and of what all stages share, by name; 'one+other' of one that was
    edited between attempts."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    all_settings: dict[str, Any] = field(default_factory=dict)
    """Everything that the step depends on as it was when it ran, defaults and options of plug-ins too."""
    digest: str = ""
    """SHA-256 of the rest of the record; filled in when it is written."""

    @property
    def path(self) -> str:
        """`stage/id`: its folder in the store."""
        return f"{self.stage}/{self.id}"


def images_of(conversation: Iterable[Message]) -> Iterator[Image]:
    """Yield the images of a conversation in the order in which they are read."""
    for message in conversation:
        yield from (part for part in flat(message.parts) if isinstance(part, Image))


def flat(parts: Iterable[Part]) -> Iterator[Text | Image | Video]:
    """Yield the parts with every run of pages as its images."""
    for part in parts:
        if isinstance(part, Pages):
            yield from part.images()
        else:
            yield part


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object a line; the file appears whole or not at all. Returns the number of lines.

    Raises:
        DiskFull: names the file.
    """
    encoder = msgspec.json.Encoder()
    count = 0
    partial = path.with_name(f"{path.name}.{gethostname()}.{token_hex(4)}.partial")
    try:
        with writing(path), partial.open("wb") as file:
            for record in records:
                file.write(encoder.encode(record) + b"\n")
                count += 1
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_jsonl(path: Path, kind: type[T], growing: bool = False) -> Iterator[T]:
    """Yield the records of a file, checked against their type.

    Args:
        growing: the file is written line by line; a last line that has no end is not there yet, or was torn.

    Raises:
        DataError: a line is not a `kind`; names file and line.
    """
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if growing and not line.endswith(b"\n"):
                return
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DataError(f"{path}:{number}: {error}; expected a {kind.__name__}") from error
