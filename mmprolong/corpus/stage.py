"""The corpus stage: every PDF of the pool opened, measured and laid out; unreadable files refused."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.corpus.pool import find_pdfs, licences, locate, split_by_name
from mmprolong.corpus.reading import FileResult, ReadingJob, note_death, read_file, read_result
from mmprolong.errors import DataError
from mmprolong.records import Document, Reject
from mmprolong.runtime.child_processes import Children
from mmprolong.runtime.parts import in_part, part_count
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Corpus
from mmprolong.store.atomic import replacing
from mmprolong.store.jsonl import write_jsonl


def parts(settings: Corpus, work: Work) -> int:
    """Return the number of parts: files fall into them by their names."""
    plugins.make("mmprolong.corpus.parsers", settings.parser, "corpus.parser")
    return part_count(len(find_pdfs(locate(settings.path))))


def run_part(settings: Corpus, work: Work, part: int) -> None:
    """Read the files of one part; those that are read stay in `work.scratch`, so a killed step continues.

    Raises:
        Interrupted: the step was asked to stop.
    """
    count = parts(settings, work)
    jobs = list(in_part(jobs_of(settings, work), _source, part, count))
    children = Children(read_file, note_death, settings.seconds, settings.memory, _PRELOAD)
    while missing := [job for job in jobs if not _is_read(job)]:  # again those of which a page ended the process
        for _ in children.each(missing):
            if work.log.stopping():
                raise Interrupted


def join(settings: Corpus, work: Work) -> dict[str, Any]:
    """Write documents.jsonl, blocks.jsonl, rejects.jsonl and pool.txt; returns the counts.

    Raises:
        DataError: no document is accepted.
    """
    jobs = jobs_of(settings, work)
    read = [read_result(job.part) for job in jobs]
    pool = locate(settings.path)
    rejects = split_by_name(pool)[1]
    accepted = list(_accepted(zip(jobs, read, strict=True), rejects))
    if not accepted:
        raise DataError(f"{pool}: none of {len(jobs)} PDFs is readable ({_reasons(rejects)}); give another corpus.path")
    documents = [part.document for _, part in accepted if part.document]
    write_jsonl(work.out / "documents.jsonl", documents)
    _write_blocks(work.out / "blocks.jsonl", [job for job, _ in accepted])
    rejects += [page for _, part in accepted for page in part.pages]
    write_jsonl(work.out / "rejects.jsonl", rejects)
    (work.out / "pool.txt").write_text(f"{pool}\n", encoding="utf-8")
    work.log.attempt.add_cpu(sum(part.cpu_seconds for part in read))  # once: an attempt after this one has all again
    return _metrics(documents, rejects, [part for _, part in accepted])


def jobs_of(settings: Corpus, work: Work) -> list[ReadingJob]:
    """Return the files to read, in the order of their names."""
    pool = locate(settings.path)
    known = licences(pool)
    jobs = []
    for path in split_by_name(pool)[0]:
        source = path.relative_to(pool).as_posix()
        key = hashlib.sha256(source.encode()).hexdigest()
        target = work.scratch / "files" / key[:2] / key[2:34]
        target.parent.mkdir(parents=True, exist_ok=True)
        jobs.append(
            ReadingJob(
                path=str(path),
                source=source,
                licence=known.get(source, "unknown"),
                part=str(target),
                parser=settings.parser,
                memory=settings.memory,
                seconds=settings.seconds,
            )
        )
    return jobs


_PRELOAD = ("mmprolong.corpus.reading", "mmprolong.corpus.parsers.text_layer", "pymupdf")


def _source(job: ReadingJob) -> str:
    return job.source


def _is_read(job: ReadingJob) -> bool:
    return Path(job.part + ".json").exists()


def _accepted(
    read: Iterable[tuple[ReadingJob, FileResult]], rejects: list[Reject]
) -> Iterator[tuple[ReadingJob, FileResult]]:
    """Yield the readable documents, the first of each that is there twice; refuses the others into `rejects`."""
    contents: dict[str, str] = {}
    for job, part in read:
        if part.document is None:
            rejects.append(part.reject or Reject(what=job.source, reason="crashed"))
        elif part.document.id in contents:
            rejects.append(Reject(what=job.source, reason="duplicate", detail=f"of {contents[part.document.id]}"))
        else:
            contents[part.document.id] = job.source
            yield job, part


def _write_blocks(target: Path, jobs: Sequence[ReadingJob]) -> None:
    with replacing(target) as whole:
        for job in jobs:
            with Path(job.part + ".blocks.jsonl").open("rb") as part:
                shutil.copyfileobj(part, whole)


def _metrics(documents: Sequence[Document], rejects: Sequence[Reject], read: Sequence[FileResult]) -> dict[str, Any]:
    return {
        "documents": len(documents),
        "pages": sum(document.pages for document in documents),
        "pages without text": sum(part.blank for part in read),
        "rejects": dict(sorted(Counter(reject.reason for reject in rejects).items())),
    }


def _reasons(rejects: Sequence[Reject]) -> str:
    counts = Counter(reject.reason for reject in rejects)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
