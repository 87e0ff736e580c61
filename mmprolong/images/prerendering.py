"""Draw pages beforehand, in child processes with limits: slow ones and scans are kept, what fails is listed."""

import io
import json
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from mmprolong.images.child_processes import Children
from mmprolong.images.documents import Document, PageFacts, Selected
from mmprolong.images.kept_pages import BLOCK, FAR, INDEX, UNDRAWN, kept_folder, page_name, read_undrawn, shard_file
from mmprolong.images.page_notes import PageNotes, UndrawnImage
from mmprolong.images.pdf_files import Unreadable, has_content
from mmprolong.images.renderer import find_renderer
from mmprolong.plugins import Choice
from mmprolong.settings.knobs import View
from mmprolong.store.atomic import replacing, write_file
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import Place, write_places
from mmprolong.store.parquet import read_parquet

SHARD = 2**30
"""Size at which a shard is full [bytes]."""
SLOW = 0.1
"""Time to draw a page above which it is kept [s]: ten times that of reading it back."""
_SECONDS, _MEMORY = 1800, 4096
"""Processor time [s] and memory [MiB] that a document may take."""
_JOBS = 10_000
"""Documents that are handed to the children at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingJob:
    """Pages of one document to draw, and to keep if they are slow or scans."""

    path: str
    source: str
    """Path relative to the pool's folder."""
    document: str
    pages: tuple[int, ...]
    scans: frozenset[int]
    part: str
    """File of the result: members of a tar."""
    renderer: Choice
    dpi: int
    slow: float


def keep_pages(jobs: Iterable[KeepingJob], folder: Path, width: int = 0, shard: int = SHARD) -> int:
    """Draw the pages of the jobs and write shards and index; returns how many are kept.

    A document is drawn once: a killed run continues. Pages that cannot be drawn are listed beside the shards.

    Args:
        width: processes; 0: one for each core.
        shard: size at which a shard is full [bytes].

    Raises:
        DiskFull: names the file.
    """
    parts: list[Path] = []
    children = Children(draw_slow, note_death, _SECONDS, _MEMORY, ("mmprolong.images.prerendering", "pymupdf"))
    left = iter(jobs)
    while some := list(islice(left, _JOBS)):
        parts += [Path(job.part) for job in some]
        while missing := [job for job in some if not Path(job.part).exists()]:
            for _ in children.each(missing, width):
                pass
    folder.mkdir(parents=True, exist_ok=True)
    places = list(_join(parts, folder, shard))
    write_jsonl(folder / UNDRAWN, (one for part in parts for one in read_undrawn(_undrawn_file(part))))
    write_places(folder / INDEX, places)
    for part in parts:
        part.unlink()
        _undrawn_file(part).unlink(missing_ok=True)
    return len(places)


def draw_slow(job: KeepingJob) -> None:
    """Write the slow pages and the scans of one document as members of a tar, and what cannot be drawn beside it."""
    members, notes = io.BytesIO(), PageNotes(job.part)
    failed = {one.page: Unreadable(one.reason, one.detail) for one in notes.dead()}
    if has_content(Path(job.path), job.document):  # if not, whoever needs the document is told
        try:
            with find_renderer(job.renderer).open(Path(job.path)) as opened:
                for page in (page for page in job.pages if page not in failed):
                    notes.begin(page)
                    begun = time.process_time()
                    try:
                        pixels = opened.render(page, job.dpi)
                    except (Unreadable, MemoryError) as error:
                        failed[page] = _reason(error)
                        continue
                    if page in job.scans or time.process_time() - begun > job.slow:
                        _add(members, job.document, page, pixels)
        except (Unreadable, MemoryError) as error:
            failed = dict.fromkeys(job.pages, _reason(error))
    _write_part(job, members.getvalue(), failed)
    notes.remove()


def note_death(job: KeepingJob, reason: str, detail: str) -> None:
    """Leave out a document that its process died of; none if it is to be drawn without its bad page.

    Of one that is slow as a whole, the pages may be drawn; of one that ends every process, no page.
    """
    notes = PageNotes(job.part)
    if not notes.bury(reason, detail, _SECONDS):
        failed = {one.page: Unreadable(one.reason, one.detail) for one in notes.dead()}
        notes.remove()
        _write_part(job, b"", failed if reason == "timed out" else dict.fromkeys(job.pages, Unreadable(reason, detail)))


def _reason(error: Unreadable | MemoryError) -> Unreadable:
    return error if isinstance(error, Unreadable) else Unreadable("out of memory", f"more than {_MEMORY} MiB")


def _write_part(job: KeepingJob, members: bytes, failed: Mapping[int, Unreadable]) -> None:
    """Write the result of a document; it is there once its members are."""
    undrawn = [
        UndrawnImage(
            source=f"pdf:{job.document}",
            index=page,
            reason=error.reason,
            detail=f"{job.source} page {page + 1}: {error.detail}",
        )
        for page, error in sorted(failed.items())
    ]
    if undrawn:
        write_jsonl(_undrawn_file(Path(job.part)), undrawn)
    write_file(Path(job.part), members)


def _undrawn_file(part: Path) -> Path:
    return part.with_suffix(".undrawn")


def jobs_of(
    corpus: Path, selection: Path | None, view: View, pool: str = "", slow: float = SLOW
) -> Iterator[KeepingJob]:
    """Yield the jobs of a corpus, document by document.

    Args:
        selection: step whose pages are looked at; none: all pages.
        pool: where the pool is now; empty: where it was read.
        slow: pages that take longer to draw are kept [s].
    """
    root = Path(pool or (corpus / "pool.txt").read_text(encoding="utf-8").strip())
    drawn = kept_folder(corpus, view) / "drawn"
    runs = groupby(read_jsonl(selection / "selected.jsonl", Selected), _of) if selection else None
    chosen = next(runs, None) if runs else None
    facts = groupby(read_parquet(corpus / "pages.parquet", PageFacts), _of)
    for document, (_, pages) in zip(read_jsonl(corpus / "documents.jsonl", Document), facts, strict=True):
        scans = frozenset(fact.page for fact in pages if fact.shows == "image")
        used = range(document.pages)
        if runs:
            if chosen is None or chosen[0] != document.id:  # a selection is in the order of the corpus
                continue
            used = sorted({page for run in chosen[1] for page in range(run.first_page, run.last_page + 1)})
            chosen = next(runs, None)
        part = drawn / document.id[:2] / f"{document.id}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        yield KeepingJob(
            path=str(root / document.source),
            source=document.source,
            document=document.id,
            pages=tuple(used),
            scans=scans,
            part=str(part),
            renderer=view.renderer,
            dpi=view.dpi,
            slow=slow,
        )


def _of(row: Selected | PageFacts) -> str:
    return row.document


def _add(members: io.BytesIO, document: str, page: int, pixels: np.ndarray) -> None:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "WEBP", lossless=True, quality=50, method=2)
    name = page_name(document, page)
    said = {"document": document, "page": page, "width": pixels.shape[1], "height": pixels.shape[0]}
    for called, content in ((name, file.getvalue()), (f"{name[:-5]}.json", json.dumps(said).encode())):
        header = tarfile.TarInfo(called)
        header.size = len(content)
        members.write(header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % BLOCK))


def _join(parts: Sequence[Path], folder: Path, shard: int) -> Iterator[Place]:
    """Write the parts, in their order, into shards; yields the places of the pages."""
    held: list[Path] = []
    size = number = 0
    for part in [*parts, None]:
        if held and (part is None or size + part.stat().st_size > shard):
            yield from _write_shard(held, folder, number)
            held, size, number = [], 0, number + 1
        if part is not None and part.stat().st_size:
            held.append(part)
            size += part.stat().st_size


def _write_shard(parts: Sequence[Path], folder: Path, number: int) -> Iterator[Place]:
    with replacing(shard_file(folder, number)) as shard:
        for part in parts:
            begin, content = shard.tell(), part.read_bytes()
            shard.write(content)
            with tarfile.open(fileobj=io.BytesIO(content + bytes(2 * BLOCK))) as archive:
                for each in archive:
                    if each.name.endswith(".webp"):
                        yield each.name, number * FAR + begin + each.offset, each.size
        shard.write(bytes(2 * BLOCK))
