"""Files of a pool: the folder of the shipped one, and a PDF's bytes with or without gzip."""

import gzip
import zlib
from pathlib import Path

import mmprolong
from mmprolong.errors import DataError

UNPACKED_LIMIT = 512 * 2**20
"""Largest PDF that is read [bytes]; a gzip bomb ends here."""


class Unreadable(DataError):
    """A PDF or page that cannot be shown; becomes a Reject.

    Args:
        reason: short and countable: encrypted, no pages, broken, page too large, file too large.
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
        Unreadable: it is too large, or cannot be read or unpacked.
    """
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            content: bytes = file.read(UNPACKED_LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("broken", f"{type(error).__name__}: {error}") from error
    if len(content) > UNPACKED_LIMIT:
        raise Unreadable("file too large", f"more than {UNPACKED_LIMIT} bytes")
    return content
