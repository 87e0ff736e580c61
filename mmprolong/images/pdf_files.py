"""Files of a pool: the folder of the shipped one, and a PDF's bytes with or without gzip."""

import gzip
import zlib
from pathlib import Path

import mmprolong
from mmprolong.errors import DataError

UNPACKED_LIMIT = 512 * 2**20
"""Largest PDF that is read [bytes]; a gzip bomb ends here."""

_SEARCHED = 1024
"""Bytes among which a PDF's header must stand."""
_HEADER = b"%PDF-"
_KINDS = (
    (b"\x89png", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"gif8", "GIF"),
    (b"ii*\x00", "TIFF"),
    (b"mm\x00*", "TIFF"),
    (b"riff", "RIFF: WebP or another"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<?xml", "XML"),
    (b"%!ps", "PostScript"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"pk\x03\x04", "a ZIP: EPUB, DOCX or another"),
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "gzip"),
)
"""Beginnings of files that PDF libraries would open as what they are."""


class Unreadable(DataError):
    """A PDF or page that cannot be shown; becomes a Reject.

    Args:
        reason: short and countable: encrypted, no pages, broken, not a PDF, file too large.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def pool_folder(path: str) -> Path:
    """Return the folder that `corpus.path` means; `demo` is the pool that ships with the package."""
    demo = Path(mmprolong.__file__).parent / "corpus" / "demo_pool"
    return demo if path == "demo" else Path(path).expanduser().absolute()


def pdf_bytes(path: Path) -> bytes:
    """Read the PDF in `path`, unpacked if the name ends in .gz.

    Raises:
        Unreadable: it is too large, is another kind of file, or cannot be read or unpacked.
    """
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            content: bytes = file.read(UNPACKED_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("broken", f"{type(error).__name__}: {error}") from error
    if len(content) > UNPACKED_LIMIT:
        raise Unreadable("file too large", f"more than {UNPACKED_LIMIT} bytes")
    if _HEADER not in content[:_SEARCHED] and _looks_like(content):
        raise Unreadable("not a PDF", _looks_like(content))
    return content


def _looks_like(content: bytes) -> str:
    """Return what a file is by its first bytes; empty if they say nothing, as those of a damaged PDF."""
    start = content[:_SEARCHED].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in start:  # after an XML declaration or a comment
        return "SVG"
    return next((kind for mark, kind in _KINDS if start.startswith(mark)), "")
