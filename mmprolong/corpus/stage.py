"""The corpus stage: every PDF of the pool opened, measured and laid out; unreadable files refused."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mmprolong import plugins
from mmprolong.corpus.manifest import Entry
from mmprolong.corpus.pool import entries, locate
from mmprolong.corpus.reading import FileResult, ReadingJob, note_death, read_file
from mmprolong.errors import DataError
from mmprolong.images.child_processes import Children
from mmprolong.images.documents import PageFacts
from mmprolong.images.pdf_files import pool_folder
from mmprolong.images.pool_ledger import PageState, read_pages, refused, write_ledger
from mmprolong.records import Reject
from mmprolong.runtime.parts import in_part, part_count
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Corpus
from mmprolong.store.atomic import replacing
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import Place, write_places
from mmprolong.store.parquet import write_parquet

SIGNATURES = "signatures.npy"
_AGREES = 0.7
"""Share of characters below which a text layer is not what OCR reads; formulas alone cost up to a fifth."""
_SIGNATURE = 128
"""Values of a signature; all 0 where a document has none."""


def parts(settings: Corpus, work: Work) -> int:
    """Return the number of parts: files fall into them by their names."""
    plugins.make("mmprolong.corpus.parsers", settings.parser, "corpus.parser")
    return part_count(len(entries(locate(settings.path))[0]))


def run_part(settings: Corpus, work: Work, part: int) -> None:
    """Read the files of one part; those that are read stay in `work.scratch`, so a killed step continues.

    Raises:
        Interrupted: the step was asked to stop.
    """
    count = parts(settings, work)
    jobs = in_part(jobs_of(settings, work)[0], _source, part, count)
    children = Children(read_file, note_death, _seconds(settings), settings.memory, _PRELOAD)
    while missing := [job for job in jobs if not _is_read(job)]:  # again those of which a page ended the process
        for _ in children.each(missing):
            if work.log.stopping():
                raise Interrupted


def join(settings: Corpus, work: Work) -> dict[str, Any]:
    """Write documents.jsonl, blocks.jsonl, pages.parquet, signatures.npy, rejects.jsonl, ledger.parquet and pool.txt.

    One document is in memory at a time.

    Returns:
        The counts.

    Raises:
        DataError: no document is accepted.
    """
    jobs, rejects = jobs_of(settings, work)
    read = _Read(jobs, work.scratch / "results.jsonl")
    count = write_jsonl(work.out / "documents.jsonl", (result.document for _, result in read.accepted()))
    reasons: Counter[str] = Counter()

    def refused() -> Iterator[Reject]:
        for reject in chain(read.rejects(), rejects):
            reasons[reject.reason] += 1
            yield reject

    write_jsonl(work.out / "rejects.jsonl", refused())
    totals = write_ledger(work.out, read.states(rejects))
    if not count:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise DataError(f"{settings.path}: none of {len(jobs)} PDFs is readable ({why}); give another corpus.path")
    write_parquet(work.out / "pages.parquet", (page for _, each in read.accepted() for page in each.facts), PageFacts)
    _write_signatures(work.out / SIGNATURES, count, read)
    _write_blocks(work.out / "blocks.jsonl", read)
    (work.out / "pool.txt").write_text(f"{pool_folder(settings.path)}\n", encoding="utf-8")
    work.log.attempt.add_cpu(sum(part.cpu_seconds for _, part in read.all()))  # once: a later attempt has all again
    shown: Counter[str] = Counter()
    doubtful = 0
    for _, each in read.accepted():
        shown.update(page.shows for page in each.facts)
        doubtful += sum(page.agreement < _AGREES for page in each.facts)
    return {
        "documents": count,
        "pages": shown.total(),
        "pages without text": shown.total() - shown["text"],
        "blank pages": shown["blank"],
        **({"pages whose text differs from OCR": doubtful} if doubtful else {}),
        "rejects": dict(sorted(reasons.items())),
        "ledger": {"documents": dict(totals.documents), "pages": dict(+totals.pages)},
    }


def jobs_of(settings: Corpus, work: Work) -> tuple[Sequence[ReadingJob], list[Reject]]:
    """Return the files to read, in the order of their names, and what of the pool is no file to read."""
    found, rejects = entries(locate(settings.path))
    return _Jobs(settings, found, work.scratch / "files"), rejects


class _Jobs(Sequence[ReadingJob]):
    """A job for each entry of a pool, made when it is asked for."""

    def __init__(self, settings: Corpus, pool: Sequence[Entry], target: Path) -> None:
        self._settings, self._pool, self._target = settings, pool, target
        self._folder = pool_folder(settings.path)
        for number in range(256):
            (target / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return len(self._pool)

    def __getitem__(self, index: int) -> ReadingJob:  # pyright: ignore[reportIncompatibleMethodOverride]
        entry, settings = self._pool[index], self._settings
        key = hashlib.sha256(entry.name.encode()).hexdigest()
        return ReadingJob(
            path=str(self._folder / entry.name),
            entry=entry,
            part=str(self._target / key[:2] / key[2:34]),
            parser=settings.parser,
            memory=settings.memory,
            seconds=_seconds(settings),
            most_pages=settings.most_pages,
        )


_PRELOAD = (
    "mmprolong.corpus.reading",
    "mmprolong.corpus.page_facts",
    "mmprolong.corpus.language",
    "mmprolong.corpus.signature",
    "mmprolong.corpus.parsers.text_layer",
    "pymupdf",
)


def _seconds(settings: Corpus) -> int:
    """Return the processor time of a document [s]."""
    parser = plugins.make("mmprolong.corpus.parsers", settings.parser, "corpus.parser")
    return settings.seconds * parser.slowness


def _source(job: ReadingJob) -> str:
    return job.source


def _is_read(job: ReadingJob) -> bool:
    return Path(job.part + ".json").exists()


class _Read:
    """Results of the files, from the disk, in the order of their names; the first of equal files is accepted.

    Args:
        file: where all of them are gathered, so that they can be gone through again quickly.
    """

    def __init__(self, jobs: Sequence[ReadingJob], file: Path) -> None:
        self._jobs = jobs
        self._file = file
        ids = bytearray()
        with replacing(file) as whole:
            for job in jobs:
                content = Path(job.part + ".json").read_bytes()
                ids += msgspec.json.decode(content, type=_Identity).id.encode().ljust(64, b"\0")
                whole.write(content + b"\n")
        found, counts = np.unique(np.frombuffer(ids, "S64"), return_counts=True)
        self._repeated = {each.decode() for each in found[counts > 1]}

    def all(self) -> Iterator[tuple[ReadingJob, FileResult]]:
        """Yield every result; a document whose bytes are there already has a reject."""
        contents: dict[str, str] = {}
        for job, result in zip(self._jobs, read_jsonl(self._file, FileResult), strict=True):
            if result.document and result.id in contents:
                reject = Reject(what=job.source, reason="duplicate", detail=f"of {contents[result.id]}")
                result = FileResult(reject=reject, id=result.id, pages=result.pages, cpu_seconds=result.cpu_seconds)
            if result.id in self._repeated:
                contents.setdefault(result.id, job.source)
            yield job, result

    def accepted(self) -> Iterator[tuple[ReadingJob, FileResult]]:
        """Yield the documents."""
        return ((job, result) for job, result in self.all() if result.document)

    def rejects(self) -> Iterator[Reject]:
        """Yield the files, and the pages of accepted ones, that cannot be used."""
        for job, result in self.all():
            if result.reject:
                yield result.reject
            for page in result.failed:
                yield Reject(what=f"{job.source} page {page.page + 1}", reason=page.reason, detail=page.detail)

    def states(self, rejects: list[Reject]) -> Iterator[PageState]:
        """Yield the lines of the ledger."""
        for job, result in self.all():
            if result.reject:
                yield refused(result.reject, result.id, result.pages)
            else:
                yield from read_pages(job.source, result.id, result.pages, result.failed)
        yield from map(refused, rejects)


class _Identity(msgspec.Struct):
    """Of a result, its id alone."""

    id: str = ""


def _write_signatures(target: Path, count: int, read: _Read) -> None:
    """Write one array, uint32 (documents, 128), document by document."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint32)), "fortran_order": False}
    with replacing(target) as whole:
        np.lib.format.write_array_header_1_0(whole, {**header, "shape": (count, _SIGNATURE)})
        for _, result in read.accepted():
            whole.write(np.array(result.signature or [0] * _SIGNATURE, np.uint32).tobytes())


def _write_blocks(target: Path, read: _Read) -> None:
    """Write the layout of all documents, and where that of each is."""

    def placed() -> Iterator[Place]:
        for job, result in read.accepted():
            begin = whole.tell()
            with Path(job.part + ".blocks.jsonl").open("rb") as part:
                shutil.copyfileobj(part, whole)
            yield result.id, begin, whole.tell() - begin

    with replacing(target) as whole:
        write_places(target, placed())
