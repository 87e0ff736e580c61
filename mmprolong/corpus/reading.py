"""Read one PDF in a child process: open it, measure its pages, lay it out."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mmprolong import plugins
from mmprolong.corpus.parsers import LayoutParser
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.plugins import Choice
from mmprolong.records import Block, Document, Reject
from mmprolong.store.atomic import write_file
from mmprolong.store.jsonl import write_jsonl

_DIGEST_PAGES = 3
_DIGEST_LENGTH = 200
"""Shorter texts [characters] are equal by chance: cover pages, forms, blank scans."""
_LOOK_DPI = 24
"""Resolution at which pages without text are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingJob:
    """One file to read."""

    path: str
    source: str
    licence: str
    part: str
    """Path of the result without its ending; its .json is written last."""
    parser: Choice
    memory: int
    """[MiB]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """Result of reading one file: a document or a reject."""

    document: Document | None = None
    reject: Reject | None = None
    blank: int = 0
    """Pages without text."""
    cpu_seconds: float = 0.0
    """Processor time; unknown, and 0, of a file that its process died of [s]."""


def write_result(part: str, value: FileResult) -> None:
    """Write the result of a file; it is there once its .json is.

    Raises:
        DiskFull: names the file.
    """
    write_file(Path(part + ".json"), msgspec.json.encode(value))


def read_result(part: str) -> FileResult:
    """Return what `write_result` wrote."""
    return msgspec.json.decode(Path(part + ".json").read_bytes(), type=FileResult)


def read_file(job: ReadingJob) -> None:
    """Read one PDF; its blocks are written to a file of the same name."""
    started = time.process_time()
    parser: LayoutParser = plugins.make("mmprolong.corpus.parsers", job.parser, "corpus.parser")
    try:
        with parser.open(Path(job.path)) as document:
            part = _read(job, parser, document)
    except Unreadable as error:
        part = FileResult(reject=Reject(what=job.source, reason=error.reason, detail=error.detail))
    except MemoryError:
        part = FileResult(reject=Reject(what=job.source, reason="out of memory", detail=f"more than {job.memory} MiB"))
    write_result(job.part, replace(part, cpu_seconds=round(time.process_time() - started, 4)))


def note_death(job: ReadingJob, reason: str, detail: str) -> None:
    """Write the part of a file that its process died of."""
    write_result(job.part, FileResult(reject=Reject(what=job.source, reason=reason, detail=detail)))


def _read(job: ReadingJob, parser: LayoutParser, document: OpenDocument) -> FileResult:
    blocks = parser.blocks(document)
    pages = len(document.page_sizes)
    with_text = {block.page for block in blocks}
    if not with_text and not any(_shows_anything(document, page) for page in range(pages)):
        return FileResult(reject=Reject(what=job.source, reason="blank", detail="no page shows anything"))
    write_jsonl(Path(job.part + ".blocks.jsonl"), blocks)
    known = Document(
        id=document.id,
        source=job.source,
        licence=job.licence,
        page_sizes=document.page_sizes,
        outline=document.outline(),
        text_digest=_text_digest(blocks),
    )
    return FileResult(document=known, blank=pages - len(with_text))


def _shows_anything(document: OpenDocument, page: int) -> bool:
    """Tell whether a page without text has a picture: damaged files are "repaired" to blank pages."""
    drawn = document.render(page, _LOOK_DPI)
    return bool((drawn != drawn[0, 0]).any())


def _text_digest(blocks: Sequence[Block]) -> str:
    words = " ".join(block.text for block in blocks if block.page < _DIGEST_PAGES).lower().split()
    text = " ".join(words)
    return hashlib.sha256(text.encode()).hexdigest() if len(text) >= _DIGEST_LENGTH else ""
