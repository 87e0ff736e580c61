"""PyMuPDF (AGPL-3.0 or commercial): the renderer of arXiv 2605.13831, section 4.1, and the default."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmprolong.images.pdf_files import Unreadable, pdf_bytes
from mmprolong.images.renderer import Line, Properties, clean, load_library, oversampled, pixel_size, shrink
from mmprolong.records import Heading

_MONO, _BOLD = 1 << 3, 1 << 4


@dataclass(frozen=True)
class PyMuPDF:
    """Opens PDFs with PyMuPDF."""

    version: ClassVar[int] = 1

    def open(self, path: Path) -> AbstractContextManager["_OpenInPyMuPDF"]:
        """See `Renderer.open`."""
        return closing(_OpenInPyMuPDF(pdf_bytes(path)))


class _OpenInPyMuPDF:
    def __init__(self, content: bytes) -> None:
        self.id = hashlib.sha256(content).hexdigest()
        self._library = _library()
        with _broken("opening"):
            self._document = self._library.open(stream=content, filetype="pdf")
        if self._document.needs_pass:
            raise Unreadable("encrypted", "needs a password")
        with _broken("counting pages"):
            sizes = [self._document[number].rect for number in range(self._document.page_count)]
        if not sizes:
            raise Unreadable("no pages")
        self.page_sizes = tuple((round(rect.width, 3), round(rect.height, 3)) for rect in sizes)

    def close(self) -> None:
        self._document.close()

    def render(self, page: int, dpi: int) -> np.ndarray:
        return self._draw(page, pixel_size(self.page_sizes[page], dpi), self._library.csRGB)

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        square = oversampled(side)
        return shrink(self._draw(page, (square, square), self._library.csGRAY)[:, :, 0])

    def lines(self, page: int) -> list[Line]:
        flags = self._library.TEXTFLAGS_DICT & ~self._library.TEXT_PRESERVE_LIGATURES
        flags &= ~self._library.TEXT_PRESERVE_IMAGES
        with _broken(f"reading page {page + 1}"):
            shown = self._document[page]
            blocks = shown.get_text("dict", flags=flags)["blocks"]
            turn = shown.rotation_matrix
        found = [
            _line(line, self._library.Rect(line["bbox"]) * turn, group)
            for group, block in enumerate(blocks)
            for line in block.get("lines", ())
        ]
        return [line for line in found if line.text]

    def outline(self) -> tuple[Heading, ...]:
        with _broken("reading the outline"):
            entries = self._document.get_toc(simple=False)
            headings = [self._heading(entry) for entry in entries]
        return tuple(heading for heading in headings if heading is not None)

    def picture_share(self, page: int) -> float:
        with _broken(f"reading page {page + 1}"):
            shown = self._document[page]
            boxes = (box for kind, box, *_ in shown.get_bboxlog() if not kind.endswith("text"))
            largest = max(((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes), default=0.0)
        width, height = self.page_sizes[page]
        return min(1.0, largest / max(width * height, 1.0))

    def properties(self) -> Properties:
        stated = self._document.metadata or {}
        return Properties(clean(stated.get("producer") or ""), stated.get("encryption") or "")

    def _heading(self, entry: list[Any]) -> Heading | None:
        level, title, number, link = entry[:4]
        if not 1 <= number <= len(self.page_sizes):
            return None
        place = link.get("to") or self._library.Point(0, 0)
        if link["kind"] == self._library.LINK_NAMED:
            place = place * self._document[number - 1].transformation_matrix  # named targets count from the bottom
        return Heading(title=" ".join(title.split()), level=level, page=number - 1, y=round(max(place.y, 0.0), 1))

    def _draw(self, page: int, size: tuple[int, int], colours: Any) -> np.ndarray:
        with _broken(f"rendering page {page + 1}"):
            shown = self._document[page]
            scale = self._library.Matrix(size[0] / shown.rect.width, size[1] / shown.rect.height)
            drawn = shown.get_pixmap(matrix=scale, colorspace=colours, alpha=False)
            pixels = np.array(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width, drawn.n)
        return _fitted(pixels, size)


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut or pad with white the pixel by which the library may round differently."""
    width, height = size
    if pixels.shape[:2] == (height, width):
        return pixels
    page = np.full((height, width, pixels.shape[2]), 255, np.uint8)
    cut = pixels[:height, :width]
    page[: cut.shape[0], : cut.shape[1]] = cut
    return page


def _line(line: dict[str, Any], box: Any, group: int) -> Line:
    fonts: Counter[str] = Counter()
    sizes: Counter[float] = Counter()
    flags: Counter[int] = Counter()
    for span in line["spans"]:
        characters = len(span["text"].strip())
        fonts[span["font"].split("+")[-1]] += characters
        sizes[round(span["size"], 1)] += characters
        flags[span["flags"]] += characters
    half = sum(flags.values()) / 2
    return Line(
        text=clean("".join(span["text"] for span in line["spans"])),
        box=(round(box.x0, 1), round(box.y0, 1), round(box.x1, 1), round(box.y1, 1)),
        size=sizes.most_common(1)[0][0],
        font=fonts.most_common(1)[0][0],
        bold=sum(count for flag, count in flags.items() if flag & _BOLD) > half,
        mono=sum(count for flag, count in flags.items() if flag & _MONO) > half,
        group=group,
    )


def _library() -> Any:
    pymupdf = load_library("pymupdf")
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf


@contextmanager
def _broken(doing: str) -> Iterator[None]:
    """Turn all that the library raises on a damaged file into `Unreadable`; it has no common base for it."""
    try:
        yield
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        if "malloc" in str(error):
            raise MemoryError(str(error)) from error
        raise Unreadable("broken", f"{doing}: {type(error).__name__}: {error}") from error
