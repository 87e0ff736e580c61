"""The pool: a folder of PDFs, found and fingerprinted without opening one."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from mmprolong.errors import Wrong, WrongValues
from mmprolong.images.pdf_files import pool_folder

LICENCES = "LICENSES.md"
_ENDINGS = (".pdf", ".pdf.gz")


def locate(path: str) -> Path:
    """The pool's folder; `demo` is the pool that ships with the package.

    Raises:
        WrongValues: there is no such folder, or no PDF in it.
    """
    folder = pool_folder(path)
    if not folder.is_dir():
        raise WrongValues(Wrong("corpus.path", f"{path!r} is not a folder; give a folder of PDFs, or 'demo'"))
    if next(_walk(folder), None) is None:
        says = f"{path!r} holds no .pdf or .pdf.gz; give a folder of PDFs, or 'demo'"
        raise WrongValues(Wrong("corpus.path", says))
    return folder


def find_pdfs(folder: Path) -> list[Path]:
    """Every .pdf and .pdf.gz below `folder`, sorted by its name relative to it."""
    return sorted(_walk(folder), key=lambda path: path.relative_to(folder).as_posix())


def pool_digest(folder: Path, cache: Path | None = None) -> str:
    """SHA-256 over the names and contents of the pool's files, its licences included.

    Args:
        cache: JSON file that keeps the hash of each file by its path, size and time, so that a pool is hashed once.
    """
    known = _read_cache(cache)
    fresh: dict[str, str] = {}
    whole = hashlib.sha256()
    licences = [folder / LICENCES] if (folder / LICENCES).is_file() else []
    for path in find_pdfs(folder) + licences:
        status = path.stat()
        key = f"{path.absolute()}|{status.st_size}|{status.st_mtime_ns}"
        fresh[key] = known.get(key) or _sha256(path)
        whole.update(os.fsencode(path.relative_to(folder).as_posix()) + b"\0" + fresh[key].encode() + b"\n")
    if cache is not None and fresh.keys() - known.keys():
        _write_cache(cache, known | fresh)
    return whole.hexdigest()


def licences(folder: Path) -> dict[str, str]:
    """Licence of each file that the pool's LICENSES.md names: a table with the columns File and Licence."""
    path = folder / LICENCES
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.startswith("|")]
    if not rows or not {"File", "Licence"} <= set(rows[0]):
        return {}
    file, licence = rows[0].index("File"), rows[0].index("Licence")
    return {row[file]: row[licence] for row in rows[2:] if len(row) == len(rows[0])}


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        files = (Path(parent, name) for name in names if name.lower().endswith(_ENDINGS))
        yield from (file for file in files if file.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_cache(path: Path | None) -> dict[str, str]:
    try:
        return json.loads(path.read_bytes()) if path is not None else {}
    except (OSError, ValueError):
        return {}  # a cache that cannot be read is only slower


def _write_cache(path: Path, hashes: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(hashes))
    partial.replace(path)
