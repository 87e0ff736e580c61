"""Text objects of a page in PDFium: which belong to a layer that is off, and which may draw nothing.

PDFium reads the text of hidden layers, too, and does not say which are off: an object whose removal changes nothing
on the drawn page is hidden.
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mmprolong.images.shown_text import is_pale

_INVISIBLE = (3, 7)
"""Text rendering modes that draw nothing."""
_DEPTH = 8
"""Forms within forms that are followed."""
_NOT_FLATTENED = {2, 16}
"""Annotations that show no text of their own: links, pop-ups."""


class TextObjects:
    """The text objects of one page.

    Args:
        raw: PDFium.
        page: of pypdfium2.
        draw: draws the page.
    """

    def __init__(self, raw: Any, page: Any, draw: Callable[[], np.ndarray]) -> None:
        self._raw = raw
        self._hidden: set[int] = set()
        self._doubtful: set[int] = set()
        layers: dict[str, list[Any]] = {}
        forms: list[Any] = []
        for item in self._objects(page):
            kind = raw.FPDFPageObj_GetType(item)
            if kind == raw.FPDF_PAGEOBJ_FORM and any(True for _ in self._texts(item)):
                forms.append(item)
            for name in self._layers(item):
                layers.setdefault(name, []).append(item)
            self._doubtful |= {_address(text) for text in self._texts(item) if self._draws_little(text)}
        for group in [*layers.values(), *([form] for form in forms)]:
            if self._draws_nothing(group, draw):
                self._hidden |= {_address(text) for item in group for text in self._texts(item)}

    def is_hidden(self, text: Any, index: int) -> bool:
        """Tell whether a character is of a layer that is off."""
        return bool(self._hidden) and _address(self._raw.FPDFText_GetTextObject(text, index)) in self._hidden

    def is_doubtful(self, text: Any, index: int) -> bool:
        """Tell whether a character is drawn invisibly or in near white."""
        return bool(self._doubtful) and _address(self._raw.FPDFText_GetTextObject(text, index)) in self._doubtful

    def _objects(self, page: Any) -> Iterator[Any]:
        for index in range(self._raw.FPDFPage_CountObjects(page)):
            yield self._raw.FPDFPage_GetObject(page, index)

    def _texts(self, item: Any, depth: int = 0) -> Iterator[Any]:
        """Yield an object if it is text, and the text inside a form."""
        kind = self._raw.FPDFPageObj_GetType(item)
        if kind == self._raw.FPDF_PAGEOBJ_TEXT:
            yield item
        elif kind == self._raw.FPDF_PAGEOBJ_FORM and depth < _DEPTH:
            for index in range(self._raw.FPDFFormObj_CountObjects(item)):
                yield from self._texts(self._raw.FPDFFormObj_GetObject(item, index), depth + 1)

    def _layers(self, item: Any) -> Iterator[str]:
        for index in range(max(0, self._raw.FPDFPageObj_CountMarks(item))):
            mark = self._raw.FPDFPageObj_GetMark(item, index)
            if _string(self._raw.FPDFPageObjMark_GetName, mark) == "OC":
                yield _string(self._raw.FPDFPageObjMark_GetParamStringValue, mark, b"Name")

    def _draws_little(self, text: Any) -> bool:
        if self._raw.FPDFTextObj_GetTextRenderMode(text) in _INVISIBLE:
            return True
        parts = [ctypes.c_uint() for _ in range(4)]
        found = self._raw.FPDFPageObj_GetFillColor(text, *map(ctypes.byref, parts))
        red, green, blue, alpha = (part.value / 255 for part in parts)
        return bool(found) and (is_pale(red, green, blue) or not alpha)

    def _draws_nothing(self, group: list[Any], draw: Callable[[], np.ndarray]) -> bool:
        before = draw()
        for item in group:
            self._raw.FPDFPageObj_SetIsActive(item, False)
        without = draw()
        for item in group:
            self._raw.FPDFPageObj_SetIsActive(item, True)
        return bool((before == without).all())


def flatten(raw: Any, page: Any) -> bool:
    """Make annotations and form fields a part of the page's content, where it has some; tells whether it has.

    The page must be loaded again then.
    """
    kinds = set()
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        kinds.add(raw.FPDFAnnot_GetSubtype(annotation))
        raw.FPDFPage_CloseAnnot(annotation)
    return bool(kinds - _NOT_FLATTENED) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_SUCCESS


def _address(item: Any) -> int:
    return ctypes.cast(item, ctypes.c_void_p).value or 0


def _string(read: Callable[..., Any], *arguments: Any) -> str:
    buffer, size = (ctypes.c_ushort * 256)(), ctypes.c_ulong()
    read(*arguments, buffer, ctypes.sizeof(buffer), ctypes.byref(size))
    return bytes(buffer)[: max(0, size.value - 2)].decode("utf-16le", "replace")
