"""Read one PDF in a child process: open it, measure its pages, lay it out."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mmprolong import plugins
from mmprolong.corpus.guarded_pages import GuardedPages
from mmprolong.corpus.parsers import LayoutParser
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.plugins import Choice
from mmprolong.records import Block, Document, Reject
from mmprolong.runtime.page_notes import PageNotes
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
    seconds: int = 60
    """Processor time [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """Result of reading one file: a document or a reject."""

    document: Document | None = None
    reject: Reject | None = None
    pages: tuple[Reject, ...] = ()
    """Pages that cannot be read, of a document that can."""
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
            guarded = GuardedPages(document, PageNotes(job.part))
            part = _read(job, parser, guarded)
    except Unreadable as error:
        part = FileResult(reject=Reject(what=job.source, reason=error.reason, detail=error.detail))
    except MemoryError:
        part = FileResult(reject=Reject(what=job.source, reason="out of memory", detail=f"more than {job.memory} MiB"))
    write_result(job.part, replace(part, cpu_seconds=round(time.process_time() - started, 4)))
    PageNotes(job.part).remove()


def note_death(job: ReadingJob, reason: str, detail: str) -> None:
    """Write the part of a file that its process died of; none if it is to be read again without its bad page."""
    notes = PageNotes(job.part)
    if notes.bury(reason, detail, job.seconds):
        return
    notes.remove()
    write_result(job.part, FileResult(reject=Reject(what=job.source, reason=reason, detail=detail)))


def _read(job: ReadingJob, parser: LayoutParser, document: GuardedPages) -> FileResult:
    blocks = parser.blocks(document)
    document.refuse_if_all_fail()
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
        unusable=_by_reason(document.unusable),
    )
    failed = [document.failed[page] for page in sorted(document.failed)]
    rejects = (Reject(what=f"{job.source} page {one.page + 1}", reason=one.reason, detail=one.detail) for one in failed)
    return FileResult(document=known, pages=tuple(rejects), blank=pages - len(with_text))


def _by_reason(unusable: dict[int, str]) -> dict[str, tuple[int, ...]]:
    return {
        reason: tuple(page for page in sorted(unusable) if unusable[page] == reason) for reason in unusable.values()
    }


def _shows_anything(document: OpenDocument, page: int) -> bool:
    """Tell whether a page without text has a picture: damaged files are "repaired" to blank pages."""
    try:
        drawn = document.render(page, _LOOK_DPI)
    except Unreadable:
        return False
    return bool((drawn != drawn[0, 0]).any())


def _text_digest(blocks: Sequence[Block]) -> str:
    words = " ".join(block.text for block in blocks if block.page < _DIGEST_PAGES).lower().split()
    text = " ".join(words)
    return hashlib.sha256(text.encode()).hexdigest() if len(text) >= _DIGEST_LENGTH else ""
