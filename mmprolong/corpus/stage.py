"""The corpus stage: every PDF of the pool opened, measured and laid out; unreadable files refused."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong import plugins
from mmprolong.corpus.pool import entries, locate
from mmprolong.corpus.reading import FileResult, ReadingJob, note_death, read_file, read_result
from mmprolong.errors import DataError
from mmprolong.images.child_processes import Children
from mmprolong.images.pdf_files import pool_folder
from mmprolong.images.pool_ledger import PageState, read_pages, refused, write_ledger
from mmprolong.records import PageFacts, Reject
from mmprolong.runtime.parts import in_part, part_count
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Corpus
from mmprolong.store.atomic import replacing
from mmprolong.store.jsonl import write_jsonl
from mmprolong.store.parquet import write_parquet

SIGNATURES = "signatures.npy"
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
    jobs = list(in_part(jobs_of(settings, work)[0], _source, part, count))
    children = Children(read_file, note_death, settings.seconds, settings.memory, _PRELOAD)
    while missing := [job for job in jobs if not _is_read(job)]:  # again those of which a page ended the process
        for _ in children.each(missing):
            if work.log.stopping():
                raise Interrupted


def join(settings: Corpus, work: Work) -> dict[str, Any]:
    """Write documents.jsonl, blocks.jsonl, pages.parquet, signatures.npy, rejects.jsonl, ledger.parquet and pool.txt.

    Returns:
        The counts.

    Raises:
        DataError: no document is accepted.
    """
    jobs, rejects = jobs_of(settings, work)
    read = _Read(jobs)
    count = write_jsonl(work.out / "documents.jsonl", (result.document for _, result in read.accepted()))
    refusals = [*read.rejects(), *rejects]
    write_jsonl(work.out / "rejects.jsonl", refusals)
    totals = write_ledger(work.out, read.states(rejects))
    if not count:
        reasons = Counter(reject.reason for reject in refusals)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise DataError(f"{settings.path}: none of {len(jobs)} PDFs is readable ({why}); give another corpus.path")
    write_parquet(work.out / "pages.parquet", (page for _, each in read.accepted() for page in each.facts), PageFacts)
    _write_signatures(work.out / SIGNATURES, count, read)
    _write_blocks(work.out / "blocks.jsonl", read)
    (work.out / "pool.txt").write_text(f"{pool_folder(settings.path)}\n", encoding="utf-8")
    work.log.attempt.add_cpu(sum(part.cpu_seconds for _, part in read.all()))  # once: a later attempt has all again
    shown = Counter(page.shows for _, each in read.accepted() for page in each.facts)
    return {
        "documents": count,
        "pages": shown.total(),
        "pages without text": shown.total() - shown["text"],
        "blank pages": shown["blank"],
        "rejects": dict(sorted(Counter(reject.reason for reject in refusals).items())),
        "ledger": {"documents": dict(totals.documents), "pages": dict(+totals.pages)},
    }


def jobs_of(settings: Corpus, work: Work) -> tuple[list[ReadingJob], list[Reject]]:
    """Return the files to read, in the order of their names, and what of the pool is no file to read."""
    found, rejects = entries(locate(settings.path))
    folder, jobs = pool_folder(settings.path), []
    for entry in found:
        key = hashlib.sha256(entry.name.encode()).hexdigest()
        target = work.scratch / "files" / key[:2] / key[2:34]
        target.parent.mkdir(parents=True, exist_ok=True)
        jobs.append(
            ReadingJob(
                path=str(folder / entry.name),
                entry=entry,
                part=str(target),
                parser=settings.parser,
                memory=settings.memory,
                seconds=settings.seconds,
                most_pages=settings.most_pages,
            )
        )
    return jobs, rejects


_PRELOAD = (
    "mmprolong.corpus.reading",
    "mmprolong.corpus.page_facts",
    "mmprolong.corpus.language",
    "mmprolong.corpus.signature",
    "mmprolong.corpus.parsers.text_layer",
    "pymupdf",
)


def _source(job: ReadingJob) -> str:
    return job.source


def _is_read(job: ReadingJob) -> bool:
    return Path(job.part + ".json").exists()


class _Read:
    """Results of the files, from the disk, in the order of their names; the first of equal files is accepted."""

    def __init__(self, jobs: list[ReadingJob]) -> None:
        self._jobs = jobs

    def all(self) -> Iterator[tuple[ReadingJob, FileResult]]:
        """Yield every result; a document whose bytes are there already has a reject."""
        contents: dict[str, str] = {}
        for job in self._jobs:
            result = read_result(job.part)
            if result.document and result.id in contents:
                reject = Reject(what=job.source, reason="duplicate", detail=f"of {contents[result.id]}")
                result = FileResult(reject=reject, id=result.id, pages=result.pages, cpu_seconds=result.cpu_seconds)
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


def _write_signatures(target: Path, count: int, read: _Read) -> None:
    """Write one array, uint32 (documents, 128), document by document."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint32)), "fortran_order": False}
    with replacing(target) as whole:
        np.lib.format.write_array_header_1_0(whole, {**header, "shape": (count, _SIGNATURE)})
        for _, result in read.accepted():
            whole.write(np.array(result.signature or [0] * _SIGNATURE, np.uint32).tobytes())


def _write_blocks(target: Path, read: _Read) -> None:
    with replacing(target) as whole:
        for job, _ in read.accepted():
            with Path(job.part + ".blocks.jsonl").open("rb") as part:
                shutil.copyfileobj(part, whole)
