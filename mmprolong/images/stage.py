"""The render stage: the thumbnails that stamped pages are printed on, one for every page of the corpus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.images.child_processes import Children
from mmprolong.images.documents import Document
from mmprolong.images.page_notes import PageNotes
from mmprolong.images.pages import THUMBNAILS
from mmprolong.images.pdf_files import Unreadable, is_there, pool_folder
from mmprolong.images.renderer import OpenDocument, find_renderer
from mmprolong.records import Reject
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import RenderSettings
from mmprolong.store.atomic import replacing, write_file
from mmprolong.store.jsonl import read_jsonl, write_jsonl

WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingJob:
    """One document to draw."""

    path: str
    document: Document
    target: str
    settings: RenderSettings


def run(settings: RenderSettings, work: Work) -> dict[str, Any]:
    """Write thumbnails.npy, uint8 (pages, side, side), and rejects.jsonl.

    A page that cannot be drawn, or ends the process that draws it, is white and a Reject. A document is drawn once: a
    killed step continues.

    Raises:
        Interrupted: the step was asked to stop.
    """
    documents = list(read_jsonl(work.inputs["corpus"] / "documents.jsonl", Document))
    jobs = list(_jobs(settings, work, documents))
    children = Children(draw, note_death, settings.corpus.seconds, settings.corpus.memory, _PRELOAD)
    while missing := [job for job in jobs if not Path(job.target).exists()]:
        for done, _ in enumerate(children.each(missing), len(jobs) - len(missing) + 1):
            work.log.progress(done, len(jobs), "documents")
            if work.log.stopping() and done < len(jobs):
                raise Interrupted
    _join(work.out / THUMBNAILS, jobs, sum(document.pages for document in documents), settings.thumbnail)
    rejects = [one for job in jobs for one in read_jsonl(_rejects(job), Reject)]
    write_jsonl(work.out / "rejects.jsonl", rejects)
    return {"pages": sum(document.pages for document in documents), "not drawn": len(rejects)}


def draw(job: DrawingJob) -> None:
    """Write the thumbnails of one document."""
    try:
        with find_renderer(job.settings.renderer).open(Path(job.path)) as opened:
            pages, rejects = _drawn(job, opened)
    except (Unreadable, MemoryError) as error:
        rejects, pages = [_reject(job, *_reason(error))], list(_white(job, job.document.pages))
    _write(job, np.stack(pages), rejects)


def note_death(job: DrawingJob, reason: str, detail: str) -> None:
    """Write white thumbnails of a document that its process died of; none if it is to be drawn without its bad page."""
    if not PageNotes(job.target).bury(reason, detail, job.settings.corpus.seconds):
        _write(job, _white(job, job.document.pages), [_reject(job, reason, detail)])


def _drawn(job: DrawingJob, opened: OpenDocument) -> tuple[list[np.ndarray], list[Reject]]:
    notes = PageNotes(job.target)
    dead = {one.page: one for one in notes.dead()}
    pages: list[np.ndarray] = []
    rejects: list[Reject] = []
    for page in range(job.document.pages):
        try:
            if page in dead:
                raise Unreadable(dead[page].reason, dead[page].detail)
            notes.begin(page)
            pages.append(opened.thumbnail(page, job.settings.thumbnail))
        except (Unreadable, MemoryError) as error:
            reason, detail = _reason(error)
            rejects.append(_reject(job, f"page {page + 1}: {reason}", detail))
            pages.append(_white(job, 1)[0])
    return pages, rejects


def _reason(error: Exception) -> tuple[str, str]:
    return (error.reason, error.detail) if isinstance(error, Unreadable) else ("out of memory", str(error))


_PRELOAD = ("mmprolong.images.stage", "pymupdf")


def _jobs(settings: RenderSettings, work: Work, documents: Sequence[Document]) -> Iterator[DrawingJob]:
    read = Path((work.inputs["corpus"] / "pool.txt").read_text(encoding="utf-8").strip())
    pools = (read, pool_folder(settings.corpus.path))
    folder = work.scratch / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        path = next((pool / document.source for pool in pools if is_there(pool / document.source)), pools[0])
        target = str(folder / f"{document.id[:32]}.raw")
        yield DrawingJob(path=str(path), document=document, target=target, settings=settings)


def _white(job: DrawingJob, pages: int) -> np.ndarray:
    return np.full((pages, job.settings.thumbnail, job.settings.thumbnail), WHITE, np.uint8)


def _reject(job: DrawingJob, reason: str, detail: str) -> Reject:
    return Reject(what=job.document.source, reason=reason, detail=detail)


def _rejects(job: DrawingJob) -> Path:
    return Path(job.target).with_suffix(".rejects")


def _write(job: DrawingJob, pages: np.ndarray, rejects: Sequence[Reject]) -> None:
    write_jsonl(_rejects(job), rejects)
    write_file(Path(job.target), pages.tobytes())
    PageNotes(job.target).remove()


def _join(target: Path, jobs: Sequence[DrawingJob], pages: int, side: int) -> None:
    """Write one array of all pages, document by document: a mapped file would crash on a full disk."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False}
    with replacing(target) as whole:
        np.lib.format.write_array_header_1_0(whole, {**header, "shape": (pages, side, side)})
        for job in jobs:
            whole.write(Path(job.target).read_bytes())
