"""The unit of each page's coordinates (UserUnit), which PDFium neither applies nor tells."""

import io
import re
import zlib
from typing import Any

_NAME = b"/UserUnit"
_VALUE = re.compile(rb"/UserUnit\s+(\d*\.?\d+)")
_PACKED = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)
"""Beginning of a stream of packed objects, as dictionaries of pages may be."""
_LARGEST = 2**24
"""Bytes of such a stream that are looked at."""


def user_units(library: Any, document: Any, content: bytes) -> dict[int, float]:
    """Return the points of a unit of each page that states one.

    Only a file that names it somewhere is looked at page by page: each page is copied to a file of its own, in which
    its dictionary is plain.
    """
    if not _may_state(content):
        return {}
    found = {}
    for page in range(len(document)):
        copy = library.PdfDocument.new()
        try:
            copy.import_pages(document, [page])
            written = io.BytesIO()
            copy.save(written)
        except library.PdfiumError:  # the page is not there
            continue
        finally:
            copy.close()
        stated = _VALUE.search(written.getvalue())
        if stated and float(stated[1]):
            found[page] = float(stated[1])
    return found


def _may_state(content: bytes) -> bool:
    if _NAME in content:
        return True
    packed = list(_PACKED.finditer(content))
    if packed and b"/Encrypt" in content:
        return True
    return any(_NAME in _unpacked(content, start.end()) for start in packed)


def _unpacked(content: bytes, start: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(content[start : content.find(b"endstream", start)], _LARGEST)
    except zlib.error:  # packed in another way, or damaged
        return b""
