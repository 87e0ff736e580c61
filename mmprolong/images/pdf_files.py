"""Files of a pool: its folder, and a PDF's bytes, from a file, a gzip or a tar."""

import gzip
import hashlib
import io
import tarfile
import zlib
from pathlib import Path

import mmprolong
from mmprolong.images.file_content import Unreadable, check_pdf
from mmprolong.images.tar_members import members, read_member, split_member

__all__ = ["MANIFESTS", "UNPACKED_LIMIT", "Unreadable", "has_content", "is_there", "pdf_bytes", "pool_folder"]

UNPACKED_LIMIT = 512 * 2**20
"""Largest PDF that is read [bytes]; a gzip bomb ends here."""
MANIFESTS = (".csv", ".tsv", ".parquet", ".jsonl")
"""Endings of files that list the documents of a pool."""


def pool_folder(path: str) -> Path:
    """Return the folder that the documents of `corpus.path` are named from; `demo` is the pool that ships with us."""
    demo = Path(mmprolong.__file__).parent / "corpus" / "demo_pool"
    found = demo if path == "demo" else Path(path).expanduser().absolute()
    return found.parent if found.suffix.lower() in MANIFESTS and found.is_file() else found


def is_there(path: Path) -> bool:
    """Tell whether a file of a pool exists, in a folder or in a tar."""
    inside = split_member(path)
    return inside[1] in members(inside[0]) if inside else path.is_file()


def pdf_bytes(path: Path) -> bytes:
    """Read the PDF in `path`, unpacked if the name ends in .gz.

    Raises:
        Unreadable: it is too large, cannot be read or unpacked, or is certain to be no whole PDF.
    """
    content = _read(path)
    check_pdf(content)
    return content


def has_content(path: Path, digest: str) -> bool:
    """Tell whether a file can be read and is, unpacked, of this SHA-256, whatever a PDF library makes of it."""
    try:
        return hashlib.sha256(_read(path)).hexdigest() == digest
    except Unreadable:
        return False


def _read(path: Path) -> bytes:
    try:
        content = _unpacked(path)
    except FileNotFoundError as error:
        raise Unreadable("file missing", str(error)) from error
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise Unreadable("broken", f"{type(error).__name__}: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise Unreadable("cannot be opened", f"{type(error).__name__}: {error}") from error
    if len(content) > UNPACKED_LIMIT:
        raise Unreadable("file too large", f"more than {UNPACKED_LIMIT} bytes")
    return content


def _unpacked(path: Path) -> bytes:
    inside = split_member(path)
    zipped = path.name.lower().endswith(".gz")
    if inside:
        content = read_member(*inside, UNPACKED_LIMIT + 1)
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(UNPACKED_LIMIT + 1) if zipped else content
    with (gzip.open if zipped else open)(path, "rb") as file:
        return file.read(UNPACKED_LIMIT + 1)
