"""Pages that are drawn beforehand: slow ones and scans, without loss, in tar shards with an index.

The pixels are those that the renderer gives, so what is kept changes no result, only the time until a page is there.
Shards are in WebDataset's layout: `NAME.webp` and `NAME.json` of each page follow each other, whole files by name.
"""

import io
import json
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from mmprolong import plugins
from mmprolong.errors import DataError
from mmprolong.images.child_processes import Children
from mmprolong.images.documents import Document, PageFacts, Selected
from mmprolong.images.page_notes import PageNotes
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import find_renderer
from mmprolong.plugins import Choice
from mmprolong.settings.knobs import View
from mmprolong.store.atomic import replacing, write_file
from mmprolong.store.fingerprint import readable_id
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.lines_by_key import Place, places_file, places_in, write_places
from mmprolong.store.parquet import read_parquet

SHARD = 2**30
"""Size at which a shard is full [bytes]."""
SLOW = 0.1
"""Time to draw a page above which it is kept [s]: ten times that of reading it back."""
_INDEX = Path("index.tar")  # its table of places stands beside the shards
_FAR = 2**40
"""Places are counted over all shards, as if each had so many bytes."""
_SECONDS, _MEMORY = 1800, 4096
"""Processor time [s] and memory [MiB] that a document may take."""
_JOBS = 10_000
"""Documents that are handed to the children at a time."""
_BLOCK = 512
"""Bytes of a header of a tar, and what members are padded to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingJob:
    """Pages of one document to draw, and to keep if they are slow or scans."""

    path: str
    document: str
    pages: tuple[int, ...]
    scans: frozenset[int]
    part: str
    """File of the result: members of a tar."""
    renderer: Choice
    dpi: int
    slow: float


class KeptPages:
    """Reads the pages that are kept; a place is found by a hash, a page is read by one call.

    Args:
        folder: with the shards and their index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._table = np.load(places_file(folder / _INDEX), mmap_mode="r")

    def __len__(self) -> int:
        return len(self._table)

    def content(self, document: str, page: int) -> bytes | None:
        """Return the file of a page; None: it is not kept."""
        name = page_name(document, page)
        for begin, size in places_in(self._table, name):
            shard, offset = divmod(begin, _FAR)
            with shard_file(self._folder, shard).open("rb", buffering=0) as file:
                file.seek(offset)
                found = file.read(_BLOCK + size)
            if found[: len(name)] == name.encode():  # the name in the member's header: another may have this hash
                return found[_BLOCK:]
        return None

    def pixels(self, document: str, page: int) -> np.ndarray | None:
        """Return a page, uint8 (H, W, 3); None: it is not kept.

        Raises:
            DataError: the shard is damaged.
        """
        content = self.content(document, page)
        if content is None:
            return None
        try:
            with Pillow.open(io.BytesIO(content)) as picture:
                return np.array(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"{self._folder}: page {page + 1} of {document}: {error}; remove the folder") from error


def kept_folder(corpus: Path, view: View) -> Path:
    """Return the folder, in the corpus step's store, of the pages that are kept for a view."""
    name = plugins.split(view.renderer)[0]
    version = plugins.plugin_class("mmprolong.images.renderers", name, "view.renderer").version
    return corpus.parents[1] / "pages" / readable_id(f"{view.dpi}dpi", [corpus.name, view.renderer, version, view.dpi])


def open_kept(corpus: Path, view: View) -> KeptPages | None:
    """Return the pages of a corpus that are kept for a view; None: there are none."""
    folder = kept_folder(corpus, view)
    return KeptPages(folder) if places_file(folder / _INDEX).exists() else None


def shard_file(folder: Path, number: int) -> Path:
    """Return the file of a shard."""
    return folder / f"pages-{number:06d}.tar"


def page_name(document: str, page: int) -> str:
    """Return the name of a page's file: WebDataset takes what stands before the first dot as the key."""
    return f"{document}-{page:05d}.webp"


def keep_pages(jobs: Iterable[KeepingJob], folder: Path, width: int = 0, shard: int = SHARD) -> int:
    """Draw the pages of the jobs and write shards and index; returns how many are kept.

    A document is drawn once: a killed run continues. Pages that cannot be drawn are left to those who ask for them.

    Args:
        width: processes; 0: one for each core.
        shard: size at which a shard is full [bytes].

    Raises:
        DiskFull: names the file.
    """
    parts: list[Path] = []
    children = Children(draw_slow, note_death, _SECONDS, _MEMORY, ("mmprolong.images.kept_pages", "pymupdf"))
    left = iter(jobs)
    while some := list(islice(left, _JOBS)):
        parts += [Path(job.part) for job in some]
        while missing := [job for job in some if not Path(job.part).exists()]:
            for _ in children.each(missing, width):
                pass
    folder.mkdir(parents=True, exist_ok=True)
    places = list(_join(parts, folder, shard))
    write_places(folder / _INDEX, places)
    for part in parts:
        part.unlink()
    return len(places)


def draw_slow(job: KeepingJob) -> None:
    """Write the slow pages and the scans of one document as members of a tar."""
    members, notes = io.BytesIO(), PageNotes(job.part)
    dead = {one.page for one in notes.dead()}
    try:
        with find_renderer(job.renderer).open(Path(job.path)) as opened:
            for page in (page for page in job.pages if page not in dead):
                notes.begin(page)
                begun = time.process_time()
                try:
                    pixels = opened.render(page, job.dpi)
                except (Unreadable, MemoryError):
                    continue
                if page in job.scans or time.process_time() - begun > job.slow:
                    _add(members, job.document, page, pixels)
    except (Unreadable, MemoryError):
        pass  # whoever needs the document is told why
    write_file(Path(job.part), members.getvalue())
    notes.remove()


def note_death(job: KeepingJob, reason: str, detail: str) -> None:
    """Leave out a document that its process died of; none if it is to be drawn without its bad page."""
    notes = PageNotes(job.part)
    if not notes.bury(reason, detail, _SECONDS):
        notes.remove()
        write_file(Path(job.part), b"")


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
        members.write(header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % _BLOCK))


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
            with tarfile.open(fileobj=io.BytesIO(content + bytes(2 * _BLOCK))) as archive:
                for each in archive:
                    if each.name.endswith(".webp"):
                        yield each.name, number * _FAR + begin + each.offset, each.size
        shard.write(bytes(2 * _BLOCK))
