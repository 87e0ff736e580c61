"""Speed of the corpus stage and of drawing pages, against bare loops over the same pages with the same library.

`python benchmarks/corpus.py [--library pypdfium2] [--files 100] FOLDER`: pages a CPU-second, everything in this process
and one after the other, each twice, the faster counts. `text`: files are opened and their lines taken (PyMuPDF's dict;
PDFium's text of each page). `read`: what the corpus stage does with a file, from its bytes to its result on the disk.
`draw`, `JPEG`: pages at 144 dpi as arrays, and encoded by Pillow at quality 85.
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
from mmprolong.corpus.reading import read_file, read_result
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


def speed(run: Callable[[], int]) -> float:
    """Return pages a CPU-second of the faster of two runs."""
    found = []
    for _ in range(2):
        started = time.process_time()
        pages = run()
        found.append(pages / (time.process_time() - started))
    return max(found)


def read(jobs: Sequence[Any]) -> int:
    for job in jobs:
        read_file(job)
    return sum(read_result(job.part).pages for job in jobs)


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
        paths = [Path(job.path) for job in jobs]
        loops: dict[str, tuple[Callable[[], int], Callable[[], int]]] = {
            "text, read": (lambda: sum(bare(library, each, True, None) for each in paths), lambda: read(jobs)),
            "text and draw": (
                lambda: sum(bare(library, each, True, keep) for each in paths),
                lambda: (sum(ours(library, each, keep) for each in paths), read(jobs))[1],
            ),
            "draw": (
                lambda: sum(bare(library, each, False, keep) for each in paths),
                lambda: sum(ours(library, each, keep) for each in paths),
            ),
            "draw, JPEG": (
                lambda: sum(bare(library, each, False, jpeg) for each in paths),
                lambda: sum(ours(library, each, jpeg) for each in paths),
            ),
        }
        print(f"{library}: {len(paths)} files, {read(jobs)} pages; pages a CPU-second")
        for label, (plain, own) in loops.items():
            base, made = speed(plain), speed(own)
            print(f"{label:16} bare {base:7.1f}   ours {made:7.1f}   ratio {made / base:.2f}", flush=True)


if __name__ == "__main__":
    main()
