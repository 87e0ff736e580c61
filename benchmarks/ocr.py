"""How well OCR reads scans: pages of born-digital PDFs are drawn, printed as pictures, and read by the `ocr` parser.

`python -m benchmarks.ocr [--pages 2] [--files 12] FOLDER...`: a few pages of some PDFs below each folder, drawn at 150
dpi in grey, a little turned, with noise, as JPEG. The truth is their text layer; letters are compared without spaces
and hyphens. `kept`: what both have. `in order`: their longest common subsequence. `more`: characters that were read and
are in no text layer, most of them inside pictures. `blocks`: kinds of blocks that were found, most frequent first.
"""

import io
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pymupdf
from PIL import Image

from benchmarks.characters import common, letters
from mmprolong.corpus.ocr_blocks import agreement
from mmprolong.corpus.parsers.ocr import Ocr
from mmprolong.corpus.parsers.text_layer import TextLayer
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import OpenDocument

_FEWEST = 400
"""Letters of a page that is worth reading."""


class Read(NamedTuple):
    name: str
    shown: int
    kept: int
    ordered: int
    more: int
    agreement: float
    seconds: float
    kinds: Counter[str]


def scan(document: OpenDocument, page: int, rng: np.random.Generator) -> bytes:
    """Return a PDF of one page that is a picture of the page."""
    grey = Image.fromarray(document.render(page, 150)).convert("L").rotate(float(rng.uniform(-0.4, 0.4)), fillcolor=255)
    noisy = 0.9 * np.asarray(grey, np.float32) + 15 + rng.normal(0, 6, grey.size[::-1])
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=75)
    width, height = document.page_sizes[page]
    with pymupdf.open() as scanned:
        scanned.new_page(width=width, height=height).insert_image((0, 0, width, height), stream=file.getvalue())
        return scanned.tobytes()


def read(path: Path, wanted: int, rng: np.random.Generator, folder: Path) -> list[Read]:
    layer, found = TextLayer(), []
    with layer.open(path) as document:
        blocks = layer.blocks(document)
        texts = ["\n".join(block.text for block in blocks if block.page == n) for n in range(len(document.page_sizes))]
        pages = [page for page, text in enumerate(texts) if len(letters(text)) >= _FEWEST]
        for page in sorted(rng.permutation(pages)[:wanted].tolist()):
            file = folder / "scan.pdf"
            file.write_bytes(scan(document, page, rng))
            started = time.process_time()
            with Ocr().open(file) as scanned:
                ours = Ocr().blocks(scanned)
            seconds = time.process_time() - started
            text = "\n".join(block.text for block in ours)
            one, other = letters(texts[page]), letters(text)
            kept, ordered = (Counter(one) & Counter(other)).total(), common(one, other)
            kinds = Counter(block.kind for block in ours)
            name, agreed = f"{path.name} p. {page + 1}", agreement(texts[page], text)
            found.append(Read(name, len(one), kept, ordered, len(other) - kept, agreed, seconds, kinds))
    return found


def main() -> None:
    options = ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=2)
    options.add_argument("--files", type=int, default=12)
    options.add_argument("folders", nargs="+", type=Path)
    given = options.parse_args()
    for folder in given.folders:
        rng, found = np.random.default_rng(0), list[Read]()
        paths = sorted(path for path in folder.rglob("*") if path.name.lower().endswith((".pdf", ".pdf.gz")))
        with tempfile.TemporaryDirectory() as work:
            for path in paths[:: max(1, len(paths) // given.files)][: given.files]:
                try:
                    found += read(path, given.pages, rng, Path(work))
                except Unreadable as error:
                    print(f"{path.name}: {error}")
        total = sum(page.shown for page in found)
        kept, ordered, more = (sum(getattr(page, name) for page in found) / total for name in Read._fields[2:5])
        seconds = sum(page.seconds for page in found) / len(found)
        middle = median(page.ordered / page.shown for page in found)
        print(
            f"{folder.name}: {len(found)} pages, {total} characters, kept {kept:.2%}, in order {ordered:.2%} "
            f"(median page {middle:.2%}), more {more:.2%}, {seconds:.1f} s a page"
        )
        print("   ", sum((page.kinds for page in found), Counter()).most_common())
        for page in sorted(found, key=lambda page: page.ordered / page.shown)[:6]:
            print(
                f"    {page.name}: of {page.shown} {page.shown - page.kept} lost, {page.kept - page.ordered} in another"
            )
            print(f"        order, {page.more} more; agreement {page.agreement}")


if __name__ == "__main__":
    main()
