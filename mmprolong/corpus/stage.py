"""The corpus stage: every PDF of the pool opened, measured and laid out; unreadable files refused."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator
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
from mmprolong.store.lines_by_key import write_lines
from mmprolong.store.parquet import write_parquet
from mmprolong.store.parquet_by_key import write_by_key

SIGNATURES = "signatures.npy"
_AGREES = 0.7
"""Share of characters below which a text layer is not what OCR reads; formulas alone cost up to a fifth."""
_DOUBTFUL = "pages whose text differs from OCR"
_LISTED, _NOT_READ, _FILES = "pool.jsonl", "not_read.jsonl", "files"
"""Of the scratch folder: what there is to read, what of the pool is no file to read, and what was read."""
_SIGNATURE = 128
"""Values of a signature; all 0 where a document has none."""


def parts(settings: Corpus, work: Work) -> int:
    """List the pool, once for all parts; return their number: files fall into them by their names."""
    plugins.make("mmprolong.corpus.parsers", settings.parser, "corpus.parser")
    found, rejects = entries(locate(settings.path))
    for number in range(256):
        (work.scratch / _FILES / f"{number:02x}").mkdir(parents=True, exist_ok=True)
    write_jsonl(work.scratch / _NOT_READ, rejects)
    return part_count(write_jsonl(work.scratch / _LISTED, found))


def run_part(settings: Corpus, work: Work, part: int) -> None:
    """Read the files of one part; those that are read stay in `work.scratch`, so a killed step continues.

    Raises:
        Interrupted: the step was asked to stop.
    """
    with (work.scratch / _LISTED).open("rb") as listed:
        count = part_count(sum(1 for _ in listed))
    jobs = in_part(jobs_of(settings, work), _source, part, count)
    children = Children(read_file, note_death, _seconds(settings), settings.memory, _PRELOAD)
    while missing := [job for job in jobs if not _is_read(job)]:  # again those of which a page ended the process
        for _ in children.each(missing):
            if work.log.stopping():
                raise Interrupted


def join(settings: Corpus, work: Work) -> dict[str, Any]:
    """Write documents.jsonl, blocks/, pages.parquet, signatures.npy, rejects.jsonl, ledger.parquet and pool.txt.

    One document is in memory at a time.

    Returns:
        The counts.

    Raises:
        DataError: no document is accepted.
    """
    read, rejects = _Read(settings, work), list(read_jsonl(work.scratch / _NOT_READ, Reject))
    documents = ((result.id, result.document) for _, result in read.accepted())
    count = write_lines(work.out / "documents.jsonl", documents)
    reasons: Counter[str] = Counter()

    def refused() -> Iterator[Reject]:
        for reject in chain(read.rejects(), rejects):
            reasons[reject.reason] += 1
            yield reject

    write_jsonl(work.out / "rejects.jsonl", refused())
    totals = write_ledger(work.out, read.states(rejects))
    if not count:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise DataError(f"{settings.path}: none of {len(read)} PDFs is readable ({why}); give another corpus.path")
    shown: Counter[str] = Counter()
    write_parquet(work.out / "pages.parquet", _facts(read, shown), PageFacts)
    _write_signatures(work.out / SIGNATURES, count, read)
    layouts = ((result.id, Path(job.part + ".blocks.json").read_bytes()) for job, result in read.accepted())
    write_by_key(work.out / "blocks", layouts)
    (work.out / "pool.txt").write_text(f"{pool_folder(settings.path)}\n", encoding="utf-8")
    work.log.attempt.add_cpu(read.cpu_seconds)  # once: a later attempt has all again
    doubtful = shown.pop(_DOUBTFUL, 0)
    return {
        "documents": count,
        "pages": shown.total(),
        "pages without text": shown.total() - shown["text"],
        "blank pages": shown["blank"],
        **({_DOUBTFUL: doubtful} if doubtful else {}),
        "rejects": dict(sorted(reasons.items())),
        "ledger": {"documents": dict(totals.documents), "pages": dict(+totals.pages)},
    }


def jobs_of(settings: Corpus, work: Work) -> Iterator[ReadingJob]:
    """Yield the files to read, in the order of their names, as `parts` has listed them."""
    pool, seconds = pool_folder(settings.path), _seconds(settings)
    for entry in read_jsonl(work.scratch / _LISTED, Entry):
        key = hashlib.sha256(entry.name.encode()).hexdigest()
        yield ReadingJob(
            path=str(pool / entry.name),
            entry=entry,
            part=str(work.scratch / _FILES / key[:2] / key[2:34]),
            parser=settings.parser,
            memory=settings.memory,
            seconds=seconds,
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

    All of them are gathered in one file first, so that they can be gone through again quickly.
    """

    def __init__(self, settings: Corpus, work: Work) -> None:
        self._settings, self._work, self._file = settings, work, work.scratch / "results.jsonl"
        self.cpu_seconds = 0.0
        begins = array("Q")
        with replacing(self._file) as whole:
            for job in jobs_of(settings, work):
                content = Path(job.part + ".json").read_bytes()
                known = msgspec.json.decode(content, type=_Identity)
                self.cpu_seconds += known.cpu_seconds
                begins.append(int(known.id[:16] or "0", 16))
                whole.write(content + b"\n")
        self._files = len(begins)
        found, counts = np.unique(np.frombuffer(begins, np.uint64), return_counts=True)
        self._repeated = frozenset(f"{begin:016x}" for begin in found[counts > 1].tolist())

    def __len__(self) -> int:
        return self._files

    def all(self) -> Iterator[tuple[ReadingJob, FileResult]]:
        """Yield every result; a document whose bytes are there already has a reject."""
        contents: dict[str, str] = {}
        for job, result in zip(jobs_of(self._settings, self._work), read_jsonl(self._file, FileResult), strict=True):
            if result.document and result.id in contents:
                reject = Reject(what=job.source, reason="duplicate", detail=f"of {contents[result.id]}")
                result = FileResult(reject=reject, id=result.id, pages=result.pages, cpu_seconds=result.cpu_seconds)
            if result.id[:16] in self._repeated:
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
    """Of a result, its id and what it took."""

    id: str = ""
    cpu_seconds: float = 0.0


def _facts(read: _Read, shown: Counter[str]) -> Iterator[PageFacts]:
    """Yield the facts of all pages; count what they show."""
    for _, result in read.accepted():
        for page in result.facts:
            shown[page.shows] += 1
            shown[_DOUBTFUL] += page.agreement < _AGREES
            yield page


def _write_signatures(target: Path, count: int, read: _Read) -> None:
    """Write one array, uint32 (documents, 128), document by document."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint32)), "fortran_order": False}
    with replacing(target) as whole:
        np.lib.format.write_array_header_1_0(whole, {**header, "shape": (count, _SIGNATURE)})
        for _, result in read.accepted():
            whole.write(np.array(result.signature or [0] * _SIGNATURE, np.uint32).tobytes())
