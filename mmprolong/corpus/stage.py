"""The corpus stage: every PDF of the pool opened, measured, laid out; duplicates and unreadable files refused."""

import hashlib
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.corpus.pool import find_pdfs, licences, locate
from mmprolong.corpus.reading import Job, Part, read_part
from mmprolong.corpus.workers import read_all
from mmprolong.errors import DataError, writing
from mmprolong.images.renderer import renderer
from mmprolong.records import Document, Reject, write_jsonl
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Corpus
from mmprolong.store.store import PARTS


def run(settings: Corpus, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write documents.jsonl, rejects.jsonl, blocks.jsonl, pool.txt and thumbnails.npy; returns the counts.

    A file is read once: its part is kept in `folder` until all files are done, so a killed run continues.

    Raises:
        DataError: no document is accepted.
        Interrupted: the step was asked to stop; the parts that are read are kept.
    """
    renderer(settings.renderer)
    pool = locate(settings.path)
    jobs = jobs_of(settings, pool, folder)
    _read(jobs, log)
    rejects: list[Reject] = []
    parts = [read_part(job.part) for job in jobs]
    accepted = list(_accepted(zip(jobs, parts, strict=True), rejects))
    if not accepted:
        raise DataError(f"{pool}: none of {len(jobs)} PDFs is readable ({_reasons(rejects)}); give another corpus.path")
    documents = _split([part.document for _, part in accepted if part.document], settings.heldout)
    _write(folder, [job for job, _ in accepted], documents, settings.thumbnail)
    write_jsonl(folder / "rejects.jsonl", rejects)
    (folder / "pool.txt").write_text(f"{pool}\n", encoding="utf-8")
    log.meter.elsewhere(sum(part.cpu_seconds for part in parts))  # once: an attempt after this one has all parts again
    return _metrics(documents, rejects, [part for _, part in accepted])


def jobs_of(settings: Corpus, pool: Path, folder: Path) -> list[Job]:
    """What is to be read, in the order of the files' names; parts lie below `folder`."""
    known = licences(pool)
    jobs = []
    for path in find_pdfs(pool):
        source = path.relative_to(pool).as_posix()
        key = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()
        jobs.append(
            Job(
                path=str(path),
                source=source.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
                licence=known.get(source, "unknown"),
                part=str(folder / PARTS / key[:2] / key[2:34]),
                renderer=settings.renderer,
                dpi=settings.dpi,
                thumbnail=settings.thumbnail,
                seconds=settings.seconds,
                memory=settings.memory,
            )
        )
    return jobs


def _read(jobs: list[Job], log: RunLog) -> None:
    missing = [job for job in jobs if not Path(job.part + ".json").exists()]
    for job in missing:
        Path(job.part).parent.mkdir(parents=True, exist_ok=True)
    done = len(jobs) - len(missing)
    log.progress(done, len(jobs), "documents")
    for _ in read_all(missing):
        done += 1
        log.progress(done, len(jobs), "documents")
        if log.stopping() and done < len(jobs):
            raise Interrupted


def _accepted(read: Iterable[tuple[Job, Part]], rejects: list[Reject]) -> Iterator[tuple[Job, Part]]:
    """The readable documents, the first of each that is there twice; refuses the others into `rejects`."""
    contents: dict[str, str] = {}
    texts: dict[str, str] = {}
    for job, part in read:
        if part.document is None:
            rejects.append(part.reject or Reject(what=job.source, reason="crashed"))
        elif part.document.id in contents:
            rejects.append(Reject(what=job.source, reason="duplicate", detail=f"of {contents[part.document.id]}"))
        elif part.text_key and part.text_key in texts:
            rejects.append(Reject(what=job.source, reason="duplicate text", detail=f"of {texts[part.text_key]}"))
        else:
            contents[part.document.id] = texts[part.text_key] = job.source
            yield job, part


def _split(documents: list[Document], heldout: float) -> list[Document]:
    """Keep the share `heldout` for evaluation, drawn by hash, so that a small pool has both parts."""
    ranked = sorted(documents, key=lambda document: hashlib.sha256(document.id.encode()).hexdigest())
    kept = {document.id for document in ranked[: math.ceil(heldout * len(documents))]}
    return [replace(document, split="heldout" if document.id in kept else "train") for document in documents]


def _write(folder: Path, jobs: list[Job], documents: list[Document], side: int) -> None:
    write_jsonl(folder / "documents.jsonl", documents)
    with writing(folder / "blocks.jsonl"), (folder / "blocks.jsonl.partial").open("wb") as whole:
        for job in jobs:
            with Path(job.part + ".blocks.jsonl").open("rb") as part:
                shutil.copyfileobj(part, whole)
    (folder / "blocks.jsonl.partial").replace(folder / "blocks.jsonl")
    if side:
        _write_thumbnails(folder, jobs, sum(document.pages for document in documents), side)


def _write_thumbnails(folder: Path, jobs: list[Job], pages: int, side: int) -> None:
    """One array of all pages, written part by part: a mapped file would crash on a full disk."""
    target, partial = folder / "thumbnails.npy", folder / "thumbnails.npy.partial"
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False}
    with writing(target), partial.open("wb") as whole:
        np.lib.format.write_array_header_1_0(whole, {**header, "shape": (pages, side, side)})
        for job in jobs:
            whole.write(np.load(job.part + ".npy").tobytes())
    partial.replace(target)


def _metrics(documents: list[Document], rejects: list[Reject], parts: list[Part]) -> dict[str, Any]:
    pages = sum(document.pages for document in documents)
    return {
        "documents": len(documents),
        "heldout": sum(document.split == "heldout" for document in documents),
        "pages": pages,
        "pages without text": sum(part.blank for part in parts),
        "rejects": dict(sorted(Counter(reject.reason for reject in rejects).items())),
        "render seconds per page": round(sum(part.seconds for part in parts) / pages, 5),
    }


def _reasons(rejects: list[Reject]) -> str:
    counts = Counter(reject.reason for reject in rejects)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
