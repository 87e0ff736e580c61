"""The pool: a folder of PDFs, found without opening one."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from mmprolong.errors import InvalidSettings, Problem
from mmprolong.images.pdf_files import pool_folder
from mmprolong.records import Reject

LICENCES = "LICENSES.md"
_ENDINGS = (".pdf", ".pdf.gz")


def locate(path: str) -> Path:
    """Return the pool's folder; `demo` is the pool that ships with the package.

    Raises:
        InvalidSettings: there is no such folder, its name is not UTF-8, or no PDF is in it.
    """
    folder = pool_folder(path)
    if not folder.is_dir():
        raise InvalidSettings(Problem("corpus.path", f"{path!r} is not a folder; give a folder of PDFs, or 'demo'"))
    if not is_utf8(str(folder)):
        raise InvalidSettings(Problem("corpus.path", f"{path!r} is not UTF-8, which records are written in; rename it"))
    if next(walk(folder), None) is None:
        says = f"{path!r} holds no .pdf or .pdf.gz; give a folder of PDFs, or 'demo'"
        raise InvalidSettings(Problem("corpus.path", says))
    return folder


def find_pdfs(folder: Path) -> list[Path]:
    """Return every .pdf and .pdf.gz below `folder`, sorted by its name relative to it."""
    return [folder / name for name in sorted(name for name, _ in walk(folder))]


def split_by_name(folder: Path) -> tuple[list[Path], list[Reject]]:
    """Return the PDFs of `find_pdfs`, and a Reject for each whose name no record can hold: it is not UTF-8."""
    paths = find_pdfs(folder)
    refused = [path.relative_to(folder).as_posix() for path in paths if not is_utf8(str(path))]
    rejects = [Reject(what=printable(name), reason="name is not UTF-8", detail="rename the file") for name in refused]
    return [path for path in paths if is_utf8(str(path))], rejects


def licences(folder: Path) -> dict[str, str]:
    """Return the licence of each file that LICENSES.md names: a table with the columns File and Licence."""
    path = folder / LICENCES
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines if line.startswith("|")]
    if not rows or not {"File", "Licence"} <= set(rows[0]):
        return {}
    file, licence = rows[0].index("File"), rows[0].index("Licence")
    return {row[file]: row[licence] for row in rows[2:] if len(row) == len(rows[0])}


def walk(folder: Path, unreadable: Callable[[OSError], None] = lambda error: None) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield every PDF below `folder` by its name relative to it, in no order.

    Linked folders are followed. A folder that is reached in several ways counts once: where it lies, or, outside the
    pool, by the first link. A link to a file that is gone is yielded: its reader reports it.

    Args:
        unreadable: called for each folder that cannot be listed.
    """
    root, seen = os.fspath(folder), set[tuple[int, int]]()
    folders, links = [""], deque[str]()
    while folders or links:
        inner = folders.pop() if folders else links.popleft()
        try:
            status = (folder / inner).stat()
            with os.scandir(f"{root}/{inner}") as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            unreadable(error)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(f"{inner}{entry.name}/")
            elif entry.name.lower().endswith(_ENDINGS) and (entry.is_symlink() or entry.is_file()):
                yield inner + entry.name, entry


def is_utf8(name: str) -> bool:
    """Tell whether a file's name is text; other bytes are surrogates in it."""
    return name == printable(name)


def printable(name: str) -> str:
    """Return a file's name with U+FFFD in the place of bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
