"""The nouns of the house: frozen records in which the rooms meet. Written as JSON that any tool reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmprolong.errors import DataError, writing

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One PDF of the pool, opened and measured."""

    id: str
    """SHA-256 of the file's content (after gunzip), hex."""
    source: str
    """Path relative to the pool's folder."""
    licence: str = "unknown"
    split: str = "train"
    """`train` or `heldout`, drawn once from the id."""
    page_sizes: tuple[tuple[float, float], ...] = ()
    """Width and height of each page [pt], as displayed (rotation applied)."""
    outline: tuple["Heading", ...] = ()

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_sizes)


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
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 [pt], from the top left."""
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
    """How a question names the segment: 'in the section "Methods"', 'on pages 20-25' (page numbers from 1)."""
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A page to be shown: by reference, drawn when it is needed."""

    document: str
    page: int
    """Index from 0."""
    stamp: str = ""
    """Key and value printed into the corner of the page's thumbnail ('A7'); empty for a page as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. The only conversation format in the house."""

    role: str
    """`user`; `assistant`, whose text is supervised; `given`, text of the assistant's turn that is not supervised."""
    parts: tuple[str | Image, ...]
    """Text and images in the order in which they are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A conversation over one document: a training example, or the questions of an evaluation document."""

    id: str
    task: str
    """extract_single, extract_multi, reasoning, ocr_full or ocr_needle."""
    document: str
    """What the confidence intervals are clustered by: a document's id."""
    pages: int
    tokens: int
    """Exact length of the encoded conversation for `backbone`."""
    supervised: int
    """Exact number of tokens that carry loss."""
    backbone: str
    messages: tuple[Message, ...]
    evidence: tuple[tuple[int, ...], ...] = ()
    """For each answer the pages (index from 0) that hold its evidence."""
    sources: tuple[str, ...] = ()
    """Kinds of evidence: Text, Layout, Figure, Table."""
    answer_format: str = "String"
    """String, Integer, Float or List."""
    origin: str = ""
    """Who wrote it: writer and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Something refused, and why. Counted and written down, never silent."""

    what: str
    """What was refused: a file, a page, an instance."""
    reason: str
    """Short and countable: encrypted, zero pages, timed out, ..."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Instances that share one training sequence, each attending to itself only."""

    id: int
    instances: tuple[str, ...]
    lengths: tuple[int, ...]
    """Tokens of each instance."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One evaluation question."""

    id: str
    document: str
    task: str
    length: str
    """Length bucket: the window's multiple ('4x') or a token length ('64K')."""
    depth: float
    """Where the first evidence page lies: 0 is the first page, 1 the last."""
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answered to a sample."""

    sample: str
    text: str
    prompt_tokens: int
    reply_tokens: int
    cut: bool
    """True if the reply reached the token limit before it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One judged reply. One line of `scores.jsonl`."""

    sample: str
    document: str
    task: str
    length: str
    depth: float
    value: float
    """In [0, 1]."""
    parsed: str
    """The answer that was compared."""
    target: str
    scorer: str
    """Name and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished step: what it was, what it measured, where it ran. `done.json` of every folder in the store."""

    id: str
    stage: str
    version: int
    settings: dict[str, Any]
    """The settings that name the step."""
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
    """Wall time of that attempt and of those that it went on from, each until it last said how far it was [s]."""
    cpu_hours: float = 0.0
    """In the same attempts, of the process that ran the step and of those that read PDFs for it."""
    commit: str = ""
    """Git commit of the code, with `+` if the tree was changed."""
    code: dict[str, str] = field(default_factory=dict)
    """Digest of every source file that the step used, by its name in the package; empty: not recorded."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object a line; the file appears whole or not at all. Returns the number of lines.

    Raises:
        DiskFull: names the file.
    """
    encoder = msgspec.json.Encoder()
    count = 0
    partial = path.with_name(path.name + ".partial")
    with writing(path), partial.open("wb") as file:
        for record in records:
            file.write(encoder.encode(record) + b"\n")
            count += 1
    partial.replace(path)
    return count


def read_jsonl(path: Path, kind: type[T], growing: bool = False) -> Iterator[T]:
    """The records of a file, checked against their type.

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
