"""The first look at a file's bytes: PDF or not, whole or cut off, for whom it is encrypted."""

import re

from mmprolong.errors import DataError

_HEADER = 1024
"""A PDF's header may stand anywhere in so many first bytes. Source: ISO 32000-1, annex H.3, note 13."""
_END = 2048
"""A PDF's last mark may stand anywhere in so many last bytes, padding aside."""
_KINDS = (
    (rb"<!doctype\s+html|<html|<head|<body|<!--.*?<html", "HTML"),
    (rb"(?:<\?xml.*?)?(?:<!doctype\s+svg.*?)?<svg", "SVG"),
    (rb"<\?xml", "XML"),
    (rb"\x89PNG", "PNG image"),
    (rb"\xff\xd8\xff", "JPEG image"),
    (rb"GIF8", "GIF image"),
    (rb"II\*\x00|MM\x00\*", "TIFF image"),
    (rb"RIFF....WEBP", "WebP image"),
    (rb"....ftyp", "HEIF image or film"),
    (rb"BM", "BMP image"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000 image"),
    (rb"AT&TFORM", "DjVu"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript"),
    (rb"\{\\rtf", "RTF"),
    (rb"\xd0\xcf\x11\xe0", "older Office document"),
    (rb"PK\x03\x04.{26}mimetypeapplication/epub", "EPUB"),
    (rb"PK\x03\x04.{26}(?:\[Content_Types|_rels/|docProps/|word/|xl/|ppt/)", "Office document"),
    (rb"PK\x03\x04|PK\x05\x06", "ZIP archive"),
    (rb"\x1f\x8b", "gzip archive"),
    (rb"7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "archive"),
    (rb"version https://git-lfs", "pointer of Git LFS"),
    (rb"[\[{]\s*[\"\]}\[{]", "JSON"),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL | re.IGNORECASE), name) for pattern, name in _KINDS)
_PARTS = re.compile(rb"\d+\s+\d+\s+obj\b")
_PUBLIC_KEY = re.compile(rb"/Filter\s*/(?:Adobe\.PubSec|Adobe\.APS|Entrust\.PPKEF)")


class Unreadable(DataError):
    """A PDF or page that cannot be shown; becomes a Reject.

    Args:
        reason: short and countable: encrypted, no pages, broken, not a PDF, truncated, page too large, file too large.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def check_pdf(content: bytes) -> None:
    """Refuse what is certain to be no whole PDF that everybody may read.

    PDF libraries open pictures, HTML and archives by their content, and "repair" a file of which half is there.

    Raises:
        Unreadable: not a PDF, and what it is; truncated; encrypted for the holders of certain keys.
    """
    if b"%PDF-" not in content[:_HEADER]:
        kind = kind_of(content)
        if kind not in ("", "text") or not _PARTS.search(content):
            raise Unreadable("not a PDF", kind or "unknown content")
    end = content[-64 * _END :].rstrip(b"\0 \r\n\t")[-_END:]
    if b"%%EOF" not in end and b"startxref" not in end and _PARTS.search(content):
        raise Unreadable("truncated", f"ends after {len(content)} bytes without the mark of its end")
    if b"/Encrypt" in content and _PUBLIC_KEY.search(content):
        raise Unreadable("encrypted", "for the holders of certain keys (public-key security)")


def kind_of(content: bytes) -> str:
    """Return what a file that is no PDF is, by its first bytes; empty if that is unknown."""
    if not content.strip(b"\0 \r\n\t"):
        return "empty file"
    head = content[:_HEADER].removeprefix(b"\xef\xbb\xbf").lstrip()
    if content[257:262] == b"ustar":
        return "tar archive"
    found = next((name for pattern, name in _PATTERNS if pattern.match(head)), "")
    return found or ("text" if _is_text(head) else "")


def _is_text(head: bytes) -> bool:
    try:
        return head[:-4].decode().replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()
    except UnicodeDecodeError:
        return False
