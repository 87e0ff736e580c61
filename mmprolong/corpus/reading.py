"""Read one PDF in a process of its own: what a damaged or hostile file does there, it does to that process alone."""

import hashlib
import io
import resource
import signal
import time
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import numpy as np

from mmprolong.corpus.layout import blocks_of
from mmprolong.errors import DiskFull, writing
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument, renderer
from mmprolong.records import Block, Document, Reject, write_jsonl

_TEXT_KEY_PAGES = 3
_TEXT_KEY_LENGTH = 200
"""Shorter texts [characters] are equal by chance: cover pages, forms, blank scans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to read, and how."""

    path: str
    source: str
    licence: str
    part: str
    """Path of the part without its ending; its .json is written last."""
    renderer: str
    dpi: int
    thumbnail: int
    seconds: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What reading one file gave."""

    document: Document | None = None
    reject: Reject | None = None
    text_key: str = ""
    """SHA-256 of the normalised text of the first three pages; empty if they have little."""
    blank: int = 0
    """Pages without text."""
    seconds: float = 0.0
    """CPU time spent on rendering [s]."""
    cpu_seconds: float = 0.0
    """CPU time spent on all of it; unknown, and 0, of a file that its process died of [s]."""


def write_part(part: str, value: Part) -> None:
    """Write a part's .json; a part is there once its .json is.

    Raises:
        DiskFull: names the file.
    """
    target = Path(part + ".json")
    partial = Path(part + ".json.partial")
    with writing(target):
        partial.write_bytes(msgspec.json.encode(value))
        partial.replace(target)


def read_part(part: str) -> Part:
    """The part that `write_part` wrote."""
    return msgspec.json.decode(Path(part + ".json").read_bytes(), type=Part)


def serve(connection: Connection) -> None:
    """Read the jobs that come over `connection` until it closes; answers each with None, or with what went wrong.

    That is a DiskFull, or the traceback of a bug of ours, which is shown by the process that waits for us.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    base = _address_space()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        limit = base + job.memory * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        # SIGALRM's default action ends the process, even inside a C library.
        signal.setitimer(signal.ITIMER_REAL, job.seconds)
        started = time.process_time()
        try:
            part = read(job)
            write_part(job.part, replace(part, cpu_seconds=round(time.process_time() - started, 4)))
            problem = None
        except DiskFull as error:
            problem = error
        except Exception:  # noqa: BLE001
            problem = RuntimeError(f"{job.path}: {traceback.format_exc()}")
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            connection.send(problem)
        except BrokenPipeError:  # whoever waited for us was killed
            return


def read(job: Job) -> Part:
    """Open, measure and lay out one PDF; its blocks and thumbnails are written beside the part."""
    try:
        with renderer(job.renderer).open(Path(job.path)) as document:
            return _read(job, document)
    except Unreadable as error:
        return Part(reject=Reject(what=job.source, reason=error.reason, detail=error.detail))
    except MemoryError:
        return Part(reject=Reject(what=job.source, reason="out of memory", detail=f"more than {job.memory} MiB"))


def _read(job: Job, document: OpenDocument) -> Part:
    outline = document.outline()
    lines = [document.lines(page) for page in range(len(document.page_sizes))]
    blocks = blocks_of(document.id, lines, document.page_sizes, outline)
    started = time.process_time()
    thumbnails, inked = _rendered(job, document)
    seconds = time.process_time() - started
    if not inked:
        return Part(reject=Reject(what=job.source, reason="blank", detail="no page shows anything"))
    write_jsonl(Path(job.part + ".blocks.jsonl"), blocks)
    if job.thumbnail:
        _save(Path(job.part + ".npy"), np.stack(thumbnails))
    known = Document(
        id=document.id, source=job.source, licence=job.licence, page_sizes=document.page_sizes, outline=outline
    )
    blank = sum(not page for page in lines)
    return Part(document=known, text_key=_text_key(blocks), blank=blank, seconds=round(seconds, 4))


def _save(path: Path, array: np.ndarray) -> None:
    """Through the memory: numpy itself does not say that a disk is full."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    with writing(path):
        path.write_bytes(buffer.getvalue())


def _rendered(job: Job, document: OpenDocument) -> tuple[list[np.ndarray], bool]:
    """Draw every page once, so that none fails for the first time in a training run.

    Returns:
        The thumbnails, and whether any page shows anything: damaged files are "repaired" to blank pages.
    """
    thumbnails, inked = [], False
    for page in range(len(document.page_sizes)):
        drawn = document.render(page, job.dpi)
        inked = inked or bool((drawn != drawn[0, 0]).any())
        if job.thumbnail:
            thumbnails.append(document.thumbnail(page, job.thumbnail))
    return thumbnails, inked


def _text_key(blocks: list[Block]) -> str:
    words = " ".join(block.text for block in blocks if block.page < _TEXT_KEY_PAGES).lower().split()
    text = " ".join(words)
    return hashlib.sha256(text.encode()).hexdigest() if len(text) >= _TEXT_KEY_LENGTH else ""


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
