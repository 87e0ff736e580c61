"""PyMuPDF (AGPL-3.0 or commercial): the renderer of arXiv 2605.13831, section 4.1, and the default."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmprolong.images.documents import Heading
from mmprolong.images.page_boxes import Box, PageBox, target_of
from mmprolong.images.pdf_files import Unreadable, pdf_bytes
from mmprolong.images.printed_text import clean
from mmprolong.images.renderer import Line, Properties, load_library, oversampled, pixel_size, shrink
from mmprolong.images.renderers._pymupdf_lines import found_lines, user_unit
from mmprolong.images.shown_text import shown_lines

_EXPLICIT = re.compile(r"/(XYZ|FitR|FitB?[HV])\s*((?:(?:null|[-+.\d]+)\s*)*)")


@dataclass(frozen=True)
class PyMuPDF:
    """Opens PDFs with PyMuPDF."""

    version: ClassVar[int] = 2

    def open(self, path: Path) -> AbstractContextManager["_OpenInPyMuPDF"]:
        """See `Renderer.open`."""
        return closing(_OpenInPyMuPDF(pdf_bytes(path)))


class _OpenInPyMuPDF:
    def __init__(self, content: bytes) -> None:
        self.id = hashlib.sha256(content).hexdigest()
        self._library = _library()
        self._fonts: set[str] = set()
        with _broken("opening"):
            self._document = self._library.open(stream=content, filetype="pdf")
        if self._document.needs_pass:
            raise Unreadable("encrypted", "needs a password")
        with _broken("counting pages"):
            pages = (self._document[number] for number in range(self._document.page_count))
            found = [(page.rect, page.rotation) for page in pages]
        if not found:
            raise Unreadable("no pages")
        self.page_sizes = tuple((round(rect.width, 3), round(rect.height, 3)) for rect, _ in found)
        self._is_turned = any(rotation for _, rotation in found)

    def close(self) -> None:
        self._document.close()

    def render(self, page: int, dpi: int) -> np.ndarray:
        with _broken(f"rendering page {page + 1}"):  # another library may count more pages
            size = pixel_size(self.page_sizes[page], dpi)
        return self._draw(page, size, self._library.csRGB)

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        square = oversampled(side)
        return shrink(self._draw(page, (square, square), self._library.csGRAY)[:, :, 0])

    def lines(self, page: int) -> list[Line]:
        with _broken(f"reading page {page + 1}"):
            shown = self._display_list(page)
            found = found_lines(self._library, shown)
            if not self._fonts.issuperset({line.font for line, _ in found}):
                self._fonts |= self._surely_drawing(page)
            return shown_lines(found, partial(self._draw_part, shown), self._fonts)

    def outline(self) -> tuple[Heading, ...]:
        with _broken("reading the outline"):
            if not self._is_turned:
                return tuple(self._headings(self._document.outline, 1))
            headings = [self._heading(entry) for entry in self._document.get_toc(simple=False)]
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

    def _headings(self, item: Any, level: int) -> Iterator[Heading]:
        """Yield an entry of the outline, those below and those after it.

        Much faster than the library's `get_toc`, which reads all names of the document; but on turned pages the place
        is wrong if the link leaves a coordinate open.
        """
        while item and item.this.m_internal:
            if item.uri and not item.is_external and 0 <= item.page < len(self.page_sizes):
                y = item.y if item.y > 0 else 0.0  # not a number: the link leaves it open
                y = round(min(y, self.page_sizes[item.page][1]), 1)
                yield Heading(title=" ".join((item.title or "").split()), level=level, page=item.page, y=y)
            yield from self._headings(item.down, level + 1)
            item = item.next

    def _heading(self, entry: list[Any]) -> Heading | None:
        level, title, number, link = entry[:4]
        if not 1 <= number <= len(self.page_sizes):
            return None
        y = self._page_box(number - 1).target_y(*self._target(link))
        return Heading(title=" ".join(title.split()), level=level, page=number - 1, y=y)

    def _target(self, link: dict[str, Any]) -> tuple[float | None, float | None]:
        """Return x and y in the file's coordinates, which the library gives for named targets only."""
        if link["kind"] == self._library.LINK_NAMED:
            place = link.get("to") or self._library.Point(0, 0)
            return place.x or None, place.y or None
        for key in ("Dest", "A/D"):
            found = _EXPLICIT.search(self._value(link["xref"], key))
            if found:
                return target_of(found[1], [None if word == "null" else float(word) for word in found[2].split()])
        return None, None

    def _value(self, xref: int, key: str) -> str:
        kind, value = self._document.xref_get_key(xref, key)
        return self._document.xref_object(int(value.split()[0])) if kind == "xref" else str(value)

    def _page_box(self, page: int) -> PageBox:
        shown = self._document[page]
        box, top = shown.cropbox, shown.mediabox.y1  # the library counts a crop box from the top of the media box
        return PageBox(box.x0, top - box.y1, box.x1, top - box.y0, shown.rotation, user_unit(shown))

    def _display_list(self, page: int) -> Any:
        """Interpret a page once, to be read and drawn; quicker than through the library's own class of pages."""
        mupdf = self._library.mupdf
        return self._library.DisplayList(
            mupdf.fz_new_display_list_from_page(mupdf.fz_load_page(self._document.this, page))
        )

    def _surely_drawing(self, page: int) -> set[str]:
        """Return fonts that need not be drawn to see that they do: one without glyphs is of Type 3, or over a scan."""
        if self._document.get_page_images(page):
            return set()
        return {font[3].rpartition("+")[2] for font in self._document.get_page_fonts(page) if font[2] != "Type3"}

    def _draw_part(self, shown: Any, box: Box) -> np.ndarray:
        library = self._library
        drawn = shown.get_pixmap(matrix=library.Identity, clip=library.Rect(box), colorspace=library.csGRAY)
        return np.array(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width)

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
