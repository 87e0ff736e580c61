"""Compare documents with the benchmarks, page by page, in child processes; and the certificate of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.images.child_processes import Children
from mmprolong.images.file_content import Unreadable
from mmprolong.images.page_notes import PageNotes
from mmprolong.images.pdf_files import is_there, pool_folder
from mmprolong.images.renderer import find_renderer
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.selection.benchmark_index import VERSION, BenchmarkIndex, Hit, build_index, read_index, write_index
from mmprolong.selection.candidates import Candidate
from mmprolong.selection.fingerprints import of_document
from mmprolong.selection.leaks import Recall
from mmprolong.settings.stages import SelectionSettings
from mmprolong.store.atomic import write_file

RENDERER = "pymupdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One document to compare."""

    path: str
    document: str
    result: str
    """File of the result."""
    index: str
    """File of the benchmarks' index."""
    seconds: int
    """Processor time [s]."""


class Compared(msgspec.Struct, frozen=True):
    """Result of comparing one document."""

    hits: tuple[Hit, ...] = ()
    problems: dict[int, str] = {}
    """Pages that cannot be drawn or read, and why; they are not used."""
    failure: str = ""
    """Why the whole document could not be compared; it is not used."""


def open_index(settings: SelectionSettings, work: Work) -> BenchmarkIndex:
    """Return the index of the benchmarks; it is built once a store."""
    path = _cache(settings, work)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_index(path, build_index(roots_of(settings), find_renderer(RENDERER), work.log.stop_if_asked))
    return read_index(path)


def roots_of(settings: SelectionSettings) -> dict[str, Path]:
    """Return the folders of the benchmarks by name."""
    return {name: Path(path).expanduser().absolute() for name, path in settings.selection.benchmarks.items()}


def compare(settings: SelectionSettings, work: Work, documents: Sequence[Candidate]) -> None:
    """Compare documents with the benchmarks; each leaves a file in `work.scratch`, so a killed step continues.

    Raises:
        Interrupted: the step was asked to stop.
    """
    open_index(settings, work)
    jobs = [_job(settings, work, each) for each in documents]
    limits = settings.corpus
    children = Children(compare_file, _note_death, limits.seconds, limits.memory, _PRELOAD)
    while missing := [job for job in jobs if not Path(job.result).exists()]:  # again without a page that was deadly
        for _ in children.each(missing):
            if work.log.stopping():
                raise Interrupted


def result_of(work: Work, document: str) -> Compared:
    """Return what was found of one document."""
    return msgspec.json.decode(_result(work, document).read_bytes(), type=Compared)


def compare_file(job: Comparison) -> None:
    """Compare one document and write the result."""
    index = _index(job.index)
    hits: list[Hit] = []
    if job.document in index.files:
        hits.append(Hit(-1, "bytes", index.files[job.document], 1.0))
    problems: dict[int, str] = {}
    failure = ""
    notes = PageNotes(job.result)
    try:
        with find_renderer(RENDERER).open(Path(job.path)) as document:
            for number, (page, problem) in enumerate(of_document(document, begin=_beginning(notes))):
                hits += index.find(number, page)
                if problem:
                    problems[number] = problem
    except Unreadable as error:
        failure = error.reason
    except MemoryError:
        failure = "out of memory"
    write_file(Path(job.result), msgspec.json.encode(Compared(tuple(hits), problems, failure)))
    notes.remove()


def certificate(
    settings: SelectionSettings, index: BenchmarkIndex, found: Iterable[Compared], recalls: Sequence[Recall]
) -> dict[str, Any]:
    """Return what was compared, what was found, and how many planted leaks were found."""
    channels, documents, failed, hit = Counter[str](), 0, 0, 0
    for each in found:
        documents, failed, hit = documents + 1, failed + bool(each.failure), hit + bool(each.hits)
        channels.update({one.channel for one in each.hits})
    return {
        "benchmarks": sorted(settings.selection.benchmarks),
        "benchmark_pages": len(index.places),
        "not_read": list(index.not_read),
        "documents": documents,
        "not_compared": failed,
        "hits": {"documents": hit, **dict(sorted(channels.items()))},
        "recall": [msgspec.to_builtins(recall) for recall in recalls],
    }


_PRELOAD = ("mmprolong.selection.decontamination", "pymupdf")


def _beginning(notes: PageNotes) -> Callable[[int], None]:
    """Return what notes that a page is begun, and refuses one that ended its process before."""
    dead = {one.page: one for one in notes.dead()}

    def begin(page: int) -> None:
        if page in dead:
            raise Unreadable(dead[page].reason, dead[page].detail)
        notes.begin(page)

    return begin


def recall_rows(certificate: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """Yield leak, planted, found, recall, interval and channels of each kind of copy, for a table."""
    for of in certificate["recall"]:
        channels = ", ".join(f"{name} {count}" for name, count in of["channels"].items() if count)
        interval = "{:.1%} to {:.1%}".format(*of["interval"])
        yield of["leak"], of["planted"], of["found"], f"{of['found'] / of['planted']:.1%}", interval, channels


def summary(certificate: Mapping[str, Any]) -> str:
    """Return what was found, in one line."""
    hits, not_read = certificate["hits"], certificate["not_read"]
    channels = ", ".join(f"{name} {count}" for name, count in hits.items() if name != "documents")
    return (
        f"{hits['documents']:,} of {certificate['documents']:,} documents share a page with "
        f"{', '.join(certificate['benchmarks'])} ({certificate['benchmark_pages']:,} pages)"
        f"{f': {channels}' if channels else ''}; they are in no training set"
        f"{f'; {len(not_read)} files compared by their bytes alone, the first: {not_read[0]}' if not_read else ''}"
    )


def _note_death(job: Comparison, reason: str, detail: str) -> None:
    """Write the failure of a document that its process died of; none if it is compared without its bad page."""
    notes = PageNotes(job.result)
    if notes.bury(reason, detail, job.seconds):
        return
    notes.remove()
    write_file(Path(job.result), msgspec.json.encode(Compared(failure=reason)))


def _job(settings: SelectionSettings, work: Work, candidate: Candidate) -> Comparison:
    read = Path((work.inputs["corpus"] / "pool.txt").read_text(encoding="utf-8").strip())
    places = [pool / candidate.source for pool in (read, pool_folder(settings.corpus.path))]
    return Comparison(
        path=str(next(filter(is_there, places), places[0])),
        document=candidate.document,
        result=str(_result(work, candidate.document)),
        index=str(_cache(settings, work)),
        seconds=settings.corpus.seconds,
    )


def _result(work: Work, document: str) -> Path:
    folder = work.scratch / "compared" / document[:2]
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{document[2:34]}.json"


def _cache(settings: SelectionSettings, work: Work) -> Path:
    return work.store / "benchmarks" / f"{settings.selection.benchmarks_digest[:32]}-{VERSION}.npz"


@cache
def _index(path: str) -> BenchmarkIndex:
    """Load the index once a process."""
    return read_index(Path(path))
