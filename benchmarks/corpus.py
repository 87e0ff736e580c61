"""Speed of the corpus stage and of drawing pages, against bare loops over the same pages with the same library.

`python benchmarks/corpus.py [--library pypdfium2] [--files 100] FOLDER`: pages a CPU-second, everything in this process
and in turns, file by file; of three times the fastest counts. `text`: files are opened and their lines taken (the dict
of PyMuPDF; the text of each page of PDFium). `read`: what the corpus stage does with a file, from its bytes to its
result on the disk. `draw`, `JPEG`: pages at 144 dpi as arrays, and encoded by Pillow at quality 85.
"""

import io
import shutil
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmprolong.corpus import stage
from mmprolong.corpus.reading import read_file
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import find_renderer, load_library
from mmprolong.runtime.run_log import RunLog
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Corpus

DPI = 144
Array = np.ndarray


def jpeg(page: Array) -> None:
    Image.fromarray(page).save(io.BytesIO(), "JPEG", quality=85)


def keep(page: Array) -> None:
    pass


def bare(library: str, path: Path, text: bool, use: Callable[[Array], None] | None) -> int:
    """Do with the library alone what is asked for; returns the number of pages."""
    content, module = path.read_bytes(), load_library(library)
    if library == "pymupdf":
        with module.open(stream=content, filetype="pdf") as document:
            for page in document:
                if text:
                    page.get_text("dict", flags=module.TEXTFLAGS_DICT & ~module.TEXT_PRESERVE_IMAGES)
                if use:
                    drawn = page.get_pixmap(dpi=DPI, alpha=False)
                    use(np.frombuffer(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width, 3))
            return len(document)
    document = module.PdfDocument(content)
    for page in document:
        if text:
            page.get_textpage().get_text_range()
        if use:
            use(page.render(scale=DPI / 72, rev_byteorder=True).to_numpy())
    return len(document)


def ours(library: str, path: Path, use: Callable[[Array], None]) -> int:
    """Draw the pages of a file through the protocol."""
    with find_renderer(library).open(path) as document:
        for page in range(len(document.page_sizes)):
            use(document.render(page, DPI))
        return len(document.page_sizes)


def seconds(jobs: Sequence[Any], loops: Sequence[Callable[[Any], object]]) -> np.ndarray:
    """Return the CPU-seconds of each loop, which take turns at every file; the fastest of three times counts."""
    found = np.full((len(jobs), len(loops)), np.inf)
    for _ in range(3):
        for index, job in enumerate(jobs):
            for number, loop in enumerate(loops):
                started = time.process_time()
                loop(job)
                found[index, number] = min(found[index, number], time.process_time() - started)
    return found.sum(axis=0)


def main() -> None:
    options = ArgumentParser(description=__doc__)
    options.add_argument("--library", default="pymupdf")
    options.add_argument("--files", type=int, default=100)
    options.add_argument("folder", type=Path)
    given = options.parse_args()
    found = sorted(path for path in given.folder.rglob("*") if path.name.lower().endswith(".pdf"))
    with tempfile.TemporaryDirectory() as name:
        pool, library = Path(name) / "pool", given.library
        pool.mkdir()
        for number, path in enumerate(found[:: max(1, len(found) // given.files)][: given.files]):
            try:
                ours(library, path, keep)
            except Unreadable:
                continue
            shutil.copy(path, pool / f"{number}.pdf")
        work = Work(inputs={}, out=Path(name), scratch=Path(name) / "scratch", log=RunLog(Path(name)))
        settings = Corpus(path=str(pool), parser={"name": "text_layer", "library": library})
        stage.parts(settings, work)
        jobs = list(stage.jobs_of(settings, work))
        pages = sum(bare(library, Path(job.path), False, None) for job in jobs)
        print(f"{library}: {len(jobs)} files, {pages} pages; pages a CPU-second")
        loops: dict[str, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
            "text, read": (lambda job: bare(library, Path(job.path), True, None), read_file),
            "text and draw": (
                lambda job: bare(library, Path(job.path), True, keep),
                lambda job: (ours(library, Path(job.path), keep), read_file(job)),
            ),
            "draw": (
                lambda job: bare(library, Path(job.path), False, keep),
                lambda job: ours(library, Path(job.path), keep),
            ),
            "draw, JPEG": (
                lambda job: bare(library, Path(job.path), False, jpeg),
                lambda job: ours(library, Path(job.path), jpeg),
            ),
        }
        for label, pair in loops.items():
            base, made = pages / seconds(jobs, pair)
            print(f"{label:16} bare {base:7.1f}   ours {made:7.1f}   ratio {made / base:.2f}", flush=True)


if __name__ == "__main__":
    main()
