"""Share of the characters that pages show that is in their layout blocks, and in the right order.

`python benchmarks/characters.py [--library pypdfium2] [--pages 4] FOLDER...`: a few pages of each PDF below the
folders, spread over it. What a page shows is read by an independent program: pdftotext of poppler-utils if it is
installed, else the other PDF library. Letters are compared without spaces and hyphens. `kept`: what both have. `in
order`: their longest common subsequence, by the better of pdftotext's two orders (that of reading, that of the file).
`transcribed`: characters in the kinds of blocks that an OCR target has. The worst pages are listed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmprolong.corpus.parsers.text_layer import TextLayer
from mmprolong.images.pdf_files import Unreadable, pdf_bytes
from mmprolong.images.renderer import load_library
from mmprolong.synthesis.transcript import TRANSCRIBED

_DROPPED = re.compile(
    r"[\s\-\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd\ue000-\uf8ff]"
)
_WORST = 8


class Page(NamedTuple):
    name: str
    number: int
    shown: int
    kept: int
    ordered: int
    transcribed: int


def letters(text: str) -> str:
    """Return the printed characters alone, in one form."""
    whole = unicodedata.normalize(
        "NFKD", text.translate({0x131: "i", 0x21A9: "←", 0x60: "", 0xB4: "", 0xA8: "", 0xB8: ""})
    )
    return _DROPPED.sub("", "".join(char for char in whole if not unicodedata.combining(char) and char.isprintable()))


def common(one: str, other: str) -> int:
    """Return the length of the longest common subsequence.

    Source: Hyyrö, "Bit-parallel LCS-length computation revisited", 2004.
    """
    places: dict[str, int] = {}
    for index, char in enumerate(one):
        places[char] = places.get(char, 0) | 1 << index
    whole = (1 << len(one)) - 1
    row = whole
    for char in other:
        found = row & places.get(char, 0)
        row = (row + found | row - found) & whole
    return len(one) - row.bit_count()


def shown(content: bytes, pages: list[int]) -> Iterator[list[str]]:
    """Yield the text of each page as an independent program has it, in one or two orders."""
    if shutil.which("pdftotext") is None:
        document = load_library("pypdfium2").PdfDocument(content)
        yield from ([letters(document[page].get_textpage().get_text_range())] for page in pages)
        return
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        for page in pages:
            common = ["pdftotext", "-cropbox", "-f", str(page + 1), "-l", str(page + 1)]
            runs = [[*common, *order, file.name, "-"] for order in ([], ["-raw"])]
            texts = [
                subprocess.run(run, capture_output=True, check=False).stdout.decode("utf-8", "replace") for run in runs
            ]
            yield [letters(text) for text in texts]


def measured(path: Path, library: str, wanted: int) -> Iterator[Page]:
    parser = TextLayer(library)
    with parser.open(path) as document:
        blocks = parser.blocks(document)
        count = len(document.page_sizes)
    pages = sorted({round((index + 0.5) * count / wanted - 0.5) for index in range(wanted)})
    for page, texts in zip(pages, shown(pdf_bytes(path), pages), strict=True):
        own = [block for block in blocks if block.page == page]
        ours = letters("".join(block.text for block in own))
        kept = (Counter(texts[0]) & Counter(ours)).total()
        written = sum(len(letters(block.text)) for block in own if block.kind in TRANSCRIBED)
        ordered = max(common(text, ours) for text in texts)
        yield Page(path.name, page + 1, len(texts[0]), kept, ordered, min(written, len(texts[0])))


def main() -> None:
    options = ArgumentParser(description=__doc__)
    options.add_argument("--library", default="pymupdf")
    options.add_argument("--pages", type=int, default=4)
    options.add_argument("folders", nargs="+", type=Path)
    given = options.parse_args()
    print(f"{'set':24} {'files':>6} {'pages':>6} {'characters':>11} {'kept':>7} {'in order':>9} {'transcribed':>12}")
    for folder in given.folders:
        found: list[Page] = []
        paths = sorted(path for path in folder.rglob("*") if path.name.lower().endswith((".pdf", ".pdf.gz")))
        for path in paths:
            try:
                found += measured(path, given.library, given.pages)
            except Unreadable as error:
                print(f"{path.name}: {error}", file=sys.stderr)
        total = sum(page.shown for page in found)
        shares = [sum(getattr(page, name) for page in found) / max(1, total) for name in Page._fields[3:]]
        files = len({page.name for page in found})
        print(
            f"{folder.name:24} {files:6} {len(found):6} {total:11} {shares[0]:7.2%} {shares[1]:9.2%} {shares[2]:12.2%}"
        )
        worst = sorted(found, key=lambda page: page.ordered - page.shown)[:_WORST]
        for page in worst:
            lost, disordered = page.shown - page.kept, page.kept - page.ordered
            print(f"    {page.name} p. {page.number}: of {page.shown} {lost} lost, {disordered} in another order")


if __name__ == "__main__":
    main()
