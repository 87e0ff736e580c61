"""Images of a mixture as PNG files: each drawn once, as the model is shown it, in child processes."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from PIL import Image as Pillow

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.child_processes import Children
from mmprolong.images.sources import Images, open_images
from mmprolong.models.backbone import Backbone, find
from mmprolong.plugins import Choice
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.atomic import write_file

Tell = Callable[[int, int, str], None]
"""Takes how many are done, of how many, of what."""
REFUSED = ".refused"
"""Ending of the file that says why an image could not be drawn."""
_AT_ONCE = 16
"""Images that a child draws in one job; its limits hold for the job."""
_COMPRESSION = 3
"""Of PNG: level 6 takes more time and more space on pages of text (109 ms and 517 KB a page; here 68 ms, 402 KB)."""


class ImageFile(NamedTuple):
    """An image, and the file that it is written to."""

    image: Image
    rows: int
    columns: int
    """Patches that the model sees of it."""
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All that it takes to draw: the same for every image of an export."""

    view: View
    corpus: Corpus
    inputs: dict[str, str]
    """Folders of the finished `corpus` step and, where stamped pages are shown, of the `render` step."""
    backbone: Choice
    model_path: str = ""

    def open(self) -> tuple[Images, Backbone]:
        """Return what draws an image, and what resizes it."""
        inputs = {role: Path(folder) for role, folder in self.inputs.items()}
        return open_images(self.view, self.corpus, inputs), find(self.backbone, self.model_path)


class _Job(NamedTuple):
    files: tuple[ImageFile, ...]
    drawing: str
    """JSON of a `Drawing`."""


def relative_path(image: Image) -> Path:
    """Return where an image is written below the folder of images: by document, page and what is printed on it."""
    scheme, _, name = image.source.partition(":")
    folder = name[:16] if scheme == "pdf" else blake2b(image.source.encode(), digest_size=8).hexdigest()
    crop = blake2b(repr(image.crop).encode(), digest_size=4).hexdigest() if image.crop else ""
    return Path(folder, "-".join(filter(None, (f"{image.index:04d}", image.stamp, crop))) + ".png")


def draw_missing(files: Sequence[ImageFile], drawing: Drawing, tell: Tell) -> dict[Path, str]:
    """Draw the files that are not there; return why one could not be drawn, by path.

    Where a child dies, its other images are drawn one by one: only the one that it dies of is lost.

    Args:
        tell: called after each job.
    """
    for parent in {file.path.parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not file.path.exists()]
    for file in missing:
        file.path.with_suffix(REFUSED).unlink(missing_ok=True)
    deaths: dict[Path, str] = {}

    def died(job: _Job, reason: str, detail: str) -> None:
        deaths.update({file.path: f"{reason} {detail}" for file in job.files})

    children = Children(draw, died, drawing.corpus.seconds, drawing.corpus.memory, (__name__, "pymupdf"))
    described = msgspec.json.encode(drawing).decode()
    there = len(files) - len(missing)
    for size in (_AT_ONCE, 1):
        jobs = [_Job(tuple(some), described) for some in _jobs(missing, size)]
        for job in children.each(jobs):
            there += sum(_ended(file) for file in job.files)
            tell(there, len(files), "images")
        missing = [file for file in missing if not _ended(file)]
    refused = {file.path: file.path.with_suffix(REFUSED) for file in files if not file.path.exists()}
    return {path: note.read_text() if note.exists() else deaths[path] for path, note in refused.items()}


def draw(job: _Job) -> None:
    """Write the images of a job, or why one cannot be drawn. Runs in a child."""
    images, backbone = _opened(job.drawing)
    for file in job.files:
        if _ended(file):
            continue
        try:
            page = images.pixels(file.image)
        except DataError as error:
            write_file(file.path.with_suffix(REFUSED), str(error))
        else:
            write_file(file.path, png(backbone.fit(page, file.rows, file.columns)))


def png(page: np.ndarray) -> bytes:
    """Return an image as PNG, lossless: a page without colour takes a third of the space as grey."""
    if page.ndim == 3 and _is_grey(page[::8]) and _is_grey(page):
        page = page[..., 0]
    buffer = BytesIO()
    Pillow.fromarray(np.ascontiguousarray(page)).save(buffer, "PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()


def _is_grey(page: np.ndarray) -> bool:
    return bool((page == page[..., :1]).all())


@cache
def _opened(drawing: str) -> tuple[Images, Backbone]:
    return msgspec.json.decode(drawing, type=Drawing).open()


def _ended(file: ImageFile) -> bool:
    return file.path.exists() or file.path.with_suffix(REFUSED).exists()


def _jobs(files: Sequence[ImageFile], size: int) -> Iterator[Sequence[ImageFile]]:
    """Yield the files in groups of one document, which is opened once."""
    by_source: dict[str, list[ImageFile]] = defaultdict(list)
    for file in files:
        by_source[file.image.source].append(file)
    for group in by_source.values():
        yield from (group[start : start + size] for start in range(0, len(group), size))
