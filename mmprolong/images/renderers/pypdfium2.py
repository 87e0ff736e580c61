"""pypdfium2 (Apache-2.0 or BSD-3-Clause): the permissive twin of PyMuPDF."""

import ctypes
import hashlib
import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmprolong.images.pdf_files import Unreadable, pdf_bytes
from mmprolong.images.renderer import Line, Properties, clean, load_library, oversampled, pixel_size, shrink
from mmprolong.records import Heading

_FIXED_PITCH, _FORCE_BOLD = 1 << 0, 1 << 18
_GAP = 0.9
"""Lines further apart than this share of their height are in different groups."""
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})

_BREAK_HYPHEN = 2
"""Character that the library puts in place of a hyphen and line break inside a word."""
_LINE_ENDS = (10, 13, _BREAK_HYPHEN)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pypdfium2:
    """Opens PDFs with pypdfium2."""

    version: ClassVar[int] = 1

    def open(self, path: Path) -> AbstractContextManager["_OpenInPdfium"]:
        """See `Renderer.open`."""
        return closing(_OpenInPdfium(pdf_bytes(path)))


class _OpenInPdfium:
    def __init__(self, content: bytes) -> None:
        self.id = hashlib.sha256(content).hexdigest()
        load_library("pypdfium2.raw")
        self._library = load_library("pypdfium2")
        with _broken("opening"):
            self._document = self._library.PdfDocument(content)
        with _broken("counting pages"):
            sizes = [self._document.get_page_size(number) for number in range(len(self._document))]
        if not sizes:
            raise Unreadable("no pages")
        self.page_sizes = tuple((round(width, 3), round(height, 3)) for width, height in sizes)

    def close(self) -> None:
        self._document.close()

    def render(self, page: int, dpi: int) -> np.ndarray:
        bgr = self._draw(page, pixel_size(self.page_sizes[page], dpi), self._library.raw.FPDFBitmap_BGR)
        return np.ascontiguousarray(bgr[:, :, ::-1])

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        square = oversampled(side)
        return shrink(self._draw(page, (square, square), self._library.raw.FPDFBitmap_Gray)[:, :, 0])

    def lines(self, page: int) -> list[Line]:
        with _broken(f"reading page {page + 1}"):
            shown = self._document[page]
            return list(_grouped(_lines(self._library.raw, shown.get_textpage(), _to_display(shown))))

    def outline(self) -> tuple[Heading, ...]:
        with _broken("reading the outline"):
            headings = [self._heading(entry) for entry in self._document.get_toc()]
        return tuple(heading for heading in headings if heading is not None)

    def picture_share(self, page: int) -> float:
        with _broken(f"reading page {page + 1}"):
            shown = self._document[page]
            text = self._library.raw.FPDF_PAGEOBJ_TEXT
            boxes = (each.get_bounds() for each in shown.get_objects(max_depth=3) if each.type != text)
            turned = [_to_display(shown)(box) for box in boxes]
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
        mode, view = target.get_view()
        raw = self._library.raw
        place = {raw.PDFDEST_VIEW_XYZ: 1, raw.PDFDEST_VIEW_FITH: 0, raw.PDFDEST_VIEW_FITBH: 0}.get(mode)
        height = self.page_sizes[page][1]
        y = height - view[place] if place is not None and len(view) > place else 0.0
        title = " ".join(entry.get_title().split())
        return Heading(title=title, level=entry.level + 1, page=page, y=round(max(y, 0.0), 1))

    def _draw(self, page: int, size: tuple[int, int], pixels: int) -> np.ndarray:
        raw = self._library.raw
        with _broken(f"rendering page {page + 1}"):
            bitmap = self._library.PdfBitmap.new_native(*size, pixels)
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
            raw.FPDF_RenderPageBitmap(bitmap, self._document[page], 0, 0, *size, 0, raw.FPDF_ANNOT)
            drawn = bitmap.to_numpy().copy()
            bitmap.close()
        return drawn.reshape(size[1], size[0], -1)


def _to_display(page: Any) -> Callable[[Box], Box]:
    """Convert the file's coordinates to points from the top left of the page as it is shown."""
    left, bottom, right, top = page.get_cropbox()

    def turned(box: Box) -> Box:
        x0, y0, x1, y1 = box
        match page.get_rotation():
            case 90:
                corners = (y0 - bottom, x0 - left, y1 - bottom, x1 - left)
            case 180:
                corners = (right - x1, y0 - bottom, right - x0, y1 - bottom)
            case 270:
                corners = (top - y1, right - x1, top - y0, right - x0)
            case _:
                corners = (x0 - left, top - y1, x1 - left, top - y0)
        a, b, c, d = (round(value, 1) for value in corners)
        return a, b, c, d

    return turned


def _lines(raw: Any, text: Any, turned: Callable[[Box], Box]) -> Iterator[Line]:
    start, count = 0, text.count_chars()
    codes = [raw.FPDFText_GetUnicode(text, index) for index in range(count)]
    for index in range(count + 1):
        if index == count or codes[index] in _LINE_ENDS:
            end = index + 1 if index < count and codes[index] == _BREAK_HYPHEN else index
            line = _line(raw, text, codes, start, end, turned) if end > start else None
            if line is not None and line.text:
                yield line
            start = index + 1


def _line(raw: Any, text: Any, codes: list[int], start: int, end: int, turned: Callable[[Box], Box]) -> Line | None:
    inked = [index for index in range(start, end) if codes[index] > 32]
    if not inked:
        return None
    lefts, bottoms, rights, tops = zip(*(text.get_charbox(index, loose=True) for index in inked), strict=True)
    fonts = [_font(raw, text, index) for index in inked[:: max(1, len(inked) // 8)]]
    names = [name for name, _ in fonts]
    half = len(fonts) / 2
    letters = "".join(
        chr(code) if 31 < code < 0x110000 else "-" if code == _BREAK_HYPHEN else "" for code in codes[start:end]
    )
    return Line(
        text=clean(letters.translate(_LIGATURES)),
        box=turned((min(lefts), min(bottoms), max(rights), max(tops))),
        size=round(statistics.mode(round(raw.FPDFText_GetFontSize(text, index), 1) for index in inked), 1),
        font=statistics.mode(names),
        bold=sum(bool(flags & _FORCE_BOLD) or "bold" in name.lower() for name, flags in fonts) > half,
        mono=sum(bool(flags & _FIXED_PITCH) for _, flags in fonts) > half,
        group=0,
    )


def _font(raw: Any, text: Any, index: int) -> tuple[str, int]:
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int(0)
    raw.FPDFText_GetFontInfo(text, index, buffer, 128, ctypes.byref(flags))
    return buffer.value.decode("utf-8", "replace").split("+")[-1], flags.value


def _grouped(lines: Iterator[Line]) -> Iterator[Line]:
    group, last = 0, None
    for line in lines:
        if last is not None and not _follows(last, line):
            group += 1
        last = replace(line, group=group)
        yield last


def _follows(above: Line, below: Line) -> bool:
    gap = below.box[1] - above.box[3]
    overlap = min(above.box[2], below.box[2]) - max(above.box[0], below.box[0])
    height = max(above.box[3] - above.box[1], 1.0)
    return -height < gap < _GAP * height and overlap > 0 and abs(above.size - below.size) < 1


@contextmanager
def _broken(doing: str) -> Iterator[None]:
    """Turn the library's errors about a damaged file into `Unreadable`."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError, OSError, UnicodeError) as error:
        reason = "encrypted" if "password" in str(error).lower() else "broken"
        raise Unreadable(reason, f"{doing}: {type(error).__name__}: {error}") from error
