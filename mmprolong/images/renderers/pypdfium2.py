"""pypdfium2 (Apache-2.0 or BSD-3-Clause): the permissive twin of PyMuPDF."""

import hashlib
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
from mmprolong.images.renderers._pdfium_lines import found_lines
from mmprolong.images.renderers._pdfium_objects import TextObjects, flatten
from mmprolong.images.renderers._pdfium_units import user_units
from mmprolong.images.shown_text import shown_lines

_NO_PAGE = (612.0, 792.0)


@dataclass(frozen=True)
class Pypdfium2:
    """Opens PDFs with pypdfium2."""

    version: ClassVar[int] = 4

    def open(self, path: Path) -> AbstractContextManager["_OpenInPdfium"]:
        """See `Renderer.open`."""
        return closing(_OpenInPdfium(pdf_bytes(path)))


class _OpenInPdfium:
    def __init__(self, content: bytes) -> None:
        self.id = hashlib.sha256(content).hexdigest()
        load_library("pypdfium2.raw")
        self._library = load_library("pypdfium2")
        self._library.raw.FPDF_LoadMemDocument64(b"", 0, None)  # or a failure would be named as that of a file before
        self._fonts: set[str] = set()
        self._flattened: set[int] = set()
        with _broken("opening"):
            self._document = self._library.PdfDocument(content)
        with _broken("counting pages"):
            sizes = [self._size(number) for number in range(len(self._document))]
            self._units = user_units(self._library, self._document, content)
        if not sizes:
            raise Unreadable("no pages")
        scaled = ((side * self._units.get(page, 1.0) for side in size) for page, size in enumerate(sizes))
        self.page_sizes = tuple((round(width, 3), round(height, 3)) for width, height in scaled)

    def close(self) -> None:
        self._document.close()

    def render(self, page: int, dpi: int) -> np.ndarray:
        with _broken(f"rendering page {page + 1}"):  # another library may count more pages
            size = pixel_size(self.page_sizes[page], dpi)
        bgr = self._draw(page, size, self._library.raw.FPDFBitmap_BGR)
        return np.ascontiguousarray(bgr[:, :, ::-1])

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        square = oversampled(side)
        return shrink(self._draw(page, (square, square), self._library.raw.FPDFBitmap_Gray)[:, :, 0])

    def lines(self, page: int) -> list[Line]:
        with _broken(f"reading page {page + 1}"):
            shown = self._page(page)
            box = self._page_box(shown, page)
            whole = (0.0, 0.0, *self.page_sizes[page])
            draw = partial(self._draw_part, shown, self._units.get(page, 1.0))
            objects = TextObjects(self._library.raw, shown, partial(draw, whole))
            found = found_lines(self._library.raw, shown.get_textpage(), box, objects)
            return shown_lines(found, draw, self._fonts)

    def outline(self) -> tuple[Heading, ...]:
        with _broken("reading the outline"):
            headings = [self._heading(entry) for entry in self._document.get_toc()]
        return tuple(heading for heading in headings if heading is not None)

    def picture_share(self, page: int) -> float:
        with _broken(f"reading page {page + 1}"):
            shown = self._page(page)
            text = self._library.raw.FPDF_PAGEOBJ_TEXT
            boxes = (each.get_bounds() for each in shown.get_objects(max_depth=3) if each.type != text)
            turned = [self._page_box(shown, page).displayed(box) for box in boxes]
        width, height = self.page_sizes[page]
        sides = ((min(c, width) - max(a, 0.0), min(d, height) - max(b, 0.0)) for a, b, c, d in turned)
        areas = (across * down for across, down in sides if across > 0 and down > 0)
        return max(areas, default=0.0) / max(width * height, 1.0)

    def properties(self) -> Properties:
        revision = self._library.raw.FPDF_GetSecurityHandlerRevision(self._document)
        producer = self._document.get_metadata_value("Producer")
        return Properties(clean(producer), f"Standard R{revision}" if revision >= 0 else "")

    def _heading(self, entry: Any) -> Heading | None:
        target = entry.get_dest()
        page = target.get_index() if target is not None else None
        if target is None or page is None or not 0 <= page < len(self.page_sizes):
            return None
        y = self._page_box(self._document[page], page).target_y(*self._target(target))
        title = " ".join(entry.get_title().split())
        return Heading(title=title, level=entry.level + 1, page=page, y=y)

    def _target(self, target: Any) -> tuple[float | None, float | None]:
        """Return x and y in the file's coordinates; 0 stands for one that is left open."""
        mode, view = target.get_view()
        raw = self._library.raw
        kinds = {
            raw.PDFDEST_VIEW_XYZ: "XYZ",
            raw.PDFDEST_VIEW_FITR: "FitR",
            raw.PDFDEST_VIEW_FITH: "FitH",
            raw.PDFDEST_VIEW_FITBH: "FitBH",
            raw.PDFDEST_VIEW_FITV: "FitV",
            raw.PDFDEST_VIEW_FITBV: "FitBV",
        }
        return target_of(kinds.get(mode, ""), [number or None for number in view])

    def _page(self, page: int) -> Any:
        """Return a page with its annotations and form fields as content."""
        shown = self._document[page]
        if page not in self._flattened:
            self._flattened.add(page)
            if flatten(self._library.raw, shown):
                shown.close()
                shown = self._document[page]
        return shown

    def _size(self, page: int) -> tuple[float, float]:
        """Return a page's size; of one that is not there, that of a letter, as the twin has it."""
        try:
            return self._document.get_page_size(page)
        except self._library.PdfiumError:
            return _NO_PAGE

    def _page_box(self, shown: Any, page: int) -> PageBox:
        left, bottom, right, top = shown.get_cropbox()
        return PageBox(left, bottom, right, top, shown.get_rotation(), self._units.get(page, 1.0))

    def _draw_part(self, shown: Any, unit: float, box: Box) -> np.ndarray:
        """Draw a part of a page in grey at 72 dpi."""
        raw = self._library.raw
        left, top = int(box[0]), int(box[1])
        width, height = max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))
        page_width, page_height = (max(1, round(side * unit)) for side in shown.get_size())
        bitmap = self._library.PdfBitmap.new_native(width, height, raw.FPDFBitmap_Gray)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        raw.FPDF_RenderPageBitmap(bitmap, shown, -left, -top, page_width, page_height, 0, raw.FPDF_ANNOT)
        drawn = bitmap.to_numpy().copy()
        bitmap.close()
        return drawn.reshape(height, width)

    def _draw(self, page: int, size: tuple[int, int], pixels: int) -> np.ndarray:
        raw = self._library.raw
        with _broken(f"rendering page {page + 1}"):
            bitmap = self._library.PdfBitmap.new_native(*size, pixels)
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
            raw.FPDF_RenderPageBitmap(bitmap, self._page(page), 0, 0, *size, 0, raw.FPDF_ANNOT)
            drawn = bitmap.to_numpy().copy()
            bitmap.close()
        return drawn.reshape(size[1], size[0], -1)


@contextmanager
def _broken(doing: str) -> Iterator[None]:
    """Turn the library's errors about a damaged file into `Unreadable`."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError, OSError, UnicodeError) as error:
        reason = "encrypted" if "password" in str(error).lower() else "broken"
        raise Unreadable(reason, f"{doing}: {type(error).__name__}: {error}") from error
