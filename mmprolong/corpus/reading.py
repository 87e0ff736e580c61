"""Read one PDF in a child process: open it, measure its pages, lay it out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from mmprolong import plugins
from mmprolong.corpus.guarded_pages import GuardedPages
from mmprolong.corpus.manifest import Entry
from mmprolong.corpus.parsers import LayoutParser
from mmprolong.images.documents import Block, Document, PageFacts
from mmprolong.images.page_notes import FailedPage, PageNotes
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.plugins import Choice
from mmprolong.records import Reject
from mmprolong.store.atomic import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingJob:
    """One file to read."""

    path: str
    entry: Entry
    part: str
    """Path of the result without its ending; its .json is written last."""
    parser: Choice
    memory: int
    """[MiB]"""
    seconds: int = 60
    """Processor time [s]."""
    most_pages: int = 2000

    @property
    def source(self) -> str:
        """Path relative to the pool's folder."""
        return self.entry.name


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """Result of reading one file: a document or a reject."""

    document: Document | None = None
    reject: Reject | None = None
    id: str = ""
    """Of a file that was opened."""
    pages: int = 0
    """Number of its pages, as far as it was opened."""
    facts: tuple[PageFacts, ...] = ()
    failed: tuple[FailedPage, ...] = ()
    """Pages that cannot be read, of a document that can."""
    signature: tuple[int, ...] = ()
    """MinHash of the whole text, or of what the pages look like; none if there is neither."""
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
            result = _read(job, parser, GuardedPages(document, PageNotes(job.part)))
    except Unreadable as error:
        result = _refused(job, error.reason, error.detail)
    except MemoryError:
        result = _refused(job, "out of memory", f"more than {job.memory} MiB")
    write_result(job.part, replace(result, cpu_seconds=round(time.process_time() - started, 4)))
    PageNotes(job.part).remove()


def note_death(job: ReadingJob, reason: str, detail: str) -> None:
    """Write the result of a file that its process died of; none if it is to be read again without its bad page."""
    notes = PageNotes(job.part)
    if notes.bury(reason, detail, job.seconds):
        return
    notes.remove()
    write_result(job.part, _refused(job, reason, detail))


def _read(job: ReadingJob, parser: LayoutParser, document: GuardedPages) -> FileResult:
    from mmprolong.corpus import page_facts  # loads models that only readers need

    pages = len(document.page_sizes)
    if pages > job.most_pages:
        return _refused(job, "too many pages", f"{pages}, more than {job.most_pages}", document)
    blocks = parser.blocks(document)
    looked_at, thumbnails = page_facts.facts_of(document, blocks)
    try:
        document.refuse_if_all_fail()
    except Unreadable as error:
        return _refused(job, error.reason, error.detail, document)
    shows = dict.fromkeys(document.unusable, "image") | dict.fromkeys(document.failed, "unreadable")
    facts = [replace(fact, shows=shows[fact.page]) if fact.page in shows else fact for fact in looked_at]
    if all(fact.shows in ("blank", "unreadable") and not fact.characters for fact in facts):
        return _refused(job, "blank", "no page shows anything", document)
    write_file(Path(job.part + ".blocks.json"), msgspec.json.encode(blocks))
    known, signed = _described(job, document, blocks, facts, thumbnails)
    failed = tuple(document.failed[page] for page in sorted(document.failed))
    return FileResult(document=known, id=document.id, pages=pages, facts=tuple(facts), failed=failed, signature=signed)


def _described(
    job: ReadingJob,
    document: GuardedPages,
    blocks: Sequence[Block],
    facts: Sequence[PageFacts],
    thumbnails: Sequence[np.ndarray],
) -> tuple[Document, tuple[int, ...]]:
    """Return the record of a document, and its signature."""
    from mmprolong.corpus import language, signature  # load models that only readers need
    from mmprolong.images.shingles import squashed

    whole = " ".join(block.text for block in blocks)
    letters, stated = squashed(whole), document.properties()
    known = Document(
        id=document.id,
        source=job.source,
        licence=job.entry.licence,
        origin=job.entry.origin,
        language=job.entry.language or language.language_of(whole),
        producer=stated.producer,
        encryption=stated.encryption,
        text_share=round(sum(fact.shows == "text" for fact in facts) / len(facts), 3),
        page_sizes=document.page_sizes,
        outline=document.outline(),
        text_digest=signature.text_digest(letters),
        unusable=_by_reason(document.unusable),
    )
    return known, signature.signature(letters, thumbnails)


def _by_reason(unusable: dict[int, str]) -> dict[str, tuple[int, ...]]:
    return {
        reason: tuple(page for page in sorted(unusable) if unusable[page] == reason) for reason in unusable.values()
    }


def _refused(job: ReadingJob, reason: str, detail: str, document: OpenDocument | None = None) -> FileResult:
    reject = Reject(what=job.source, reason=reason, detail=detail)
    if document is None:
        return FileResult(reject=reject)
    return FileResult(reject=reject, id=document.id, pages=len(document.page_sizes))
