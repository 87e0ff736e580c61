"""The pool: PDFs in folders and tar shards, or those that a manifest lists; found without opening one."""

import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mmprolong.corpus.manifest import Entry, listed
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.images import tar_members
from mmprolong.images.pdf_files import MANIFESTS, pool_folder
from mmprolong.records import Reject

LICENCES = "LICENSES.md"
_PDFS = (".pdf", ".pdf.gz")
_FILES = (*_PDFS, tar_members.ENDING)


class PoolFile(NamedTuple):
    """A file that holds documents of the pool, or says something of them."""

    name: str
    """Relative to the pool's folder; bytes that are not UTF-8 are surrogates in it."""
    size: int
    """[bytes]; 0 where a link leads nowhere."""
    mtime_ns: int


def locate(path: str) -> Path:
    """Return the pool: a folder, a tar or a manifest; `demo` is the pool that ships with the package.

    Raises:
        InvalidSettings: there is no such thing, its name is not UTF-8, or no PDF is in it.
    """
    pool = _file(path) or pool_folder(path)
    advice = "give a folder of PDFs, a tar, a manifest (" + ", ".join(MANIFESTS) + "), or 'demo'"
    if not pool.is_dir() and not pool.is_file():
        raise InvalidSettings(Problem("corpus.path", f"{path!r} is not a folder; {advice}"))
    if pool.is_file() and pool.suffix.lower() not in (*MANIFESTS, tar_members.ENDING):
        raise InvalidSettings(Problem("corpus.path", f"{path!r} is a file of another kind; {advice}"))
    if not is_utf8(str(pool)):
        raise InvalidSettings(Problem("corpus.path", f"{path!r} is not UTF-8, which records are written in; rename it"))
    if next(files(pool), None) is None:
        raise InvalidSettings(Problem("corpus.path", f"{path!r} holds no .pdf, .pdf.gz or .tar; {advice}"))
    return pool


def entries(pool: Path) -> tuple[list[Entry], list[Reject]]:
    """Return the documents of a pool in the order of their names, and what is certain to be none of it.

    No name occurs twice, neither among the documents nor among the rejects.
    """
    rejects: list[Reject] = []
    if pool.is_file() and pool.suffix.lower() in MANIFESTS:
        found = listed(pool, rejects)
    else:
        known = licences(pool)
        found = (Entry(name, known.get(name, "unknown")) for name in _names(pool, rejects))
    kept = []
    for entry in sorted(found):
        if is_utf8(entry.name) and is_utf8(str(pool)):
            kept.append(entry)
        else:
            name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
            rejects.append(Reject(what=name, reason="name is not UTF-8", detail="rename the file"))
    return kept, rejects


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


def files(
    pool: Path, unreadable: Callable[[OSError], None] = lambda error: None, every: bool = False
) -> Iterator[PoolFile]:
    """Yield the files that a pool consists of, in no order.

    Args:
        unreadable: called for each folder that cannot be listed.
        every: all files of a folder.
    """
    if pool.is_dir():
        yield from (_status(pool, name, entry) for name, entry in walk(pool, unreadable, ("",) if every else _FILES))
        if not every and (pool / LICENCES).is_file():
            yield _status(pool, LICENCES, pool / LICENCES)
        return
    yield _status(pool.parent, pool.name, pool)
    if pool.suffix.lower() in MANIFESTS:
        names = {tar_of(entry.name) for entry in listed(pool, [])}
        yield from (_status(pool.parent, name, pool.parent / name) for name in names)


def walk(
    folder: Path, unreadable: Callable[[OSError], None] = lambda error: None, endings: tuple[str, ...] = _FILES
) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield every PDF and tar below `folder` by its name relative to it, in no order.

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
            with os.scandir(f"{root}/{inner}") as listing:
                found = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            unreadable(error)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in found:
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(f"{inner}{entry.name}/")
            elif entry.name.lower().endswith(endings) and (entry.is_symlink() or entry.is_file()):
                yield inner + entry.name, entry


def tar_of(name: str) -> str:
    """Return the name of the tar in which a document lies; outside of tars, its own."""
    end = name.lower().find(f"{tar_members.ENDING}/")
    return name if end < 0 else name[: end + len(tar_members.ENDING)]


def is_utf8(name: str) -> bool:
    """Tell whether a file's name is text; other bytes are surrogates in it."""
    return name == printable(name)


def printable(name: str) -> str:
    """Return a file's name with U+FFFD in the place of bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _file(path: str) -> Path | None:
    found = Path(path).expanduser().absolute()
    return found if path != "demo" and found.is_file() else None


def _names(pool: Path, rejects: list[Reject]) -> Iterator[str]:
    """Yield the names of PDFs, those inside tars included; folders and tars that cannot be listed are rejects."""

    def unreadable(error: OSError) -> None:
        name = os.path.relpath(error.filename or pool, pool)
        rejects.append(Reject(what=printable(name), reason="folder cannot be listed", detail=str(error.strerror)))

    for name in [""] if pool.is_file() else [name for name, _ in walk(pool, unreadable)]:
        if not (name or pool.name).lower().endswith(tar_members.ENDING):
            yield name
            continue
        try:
            inside = tar_members.members(pool / name)
        except (OSError, tarfile.TarError) as error:
            rejects.append(Reject(what=printable(name or pool.name), reason="broken tar", detail=str(error)))
            continue
        yield from (f"{name}/{each}".lstrip("/") for each in inside if each.lower().endswith(_PDFS))


def _status(folder: Path, name: str, entry: os.DirEntry | Path) -> PoolFile:
    try:
        status = entry.stat()
    except (OSError, ValueError):  # a link that leads nowhere; a name with a zero byte
        return PoolFile(name, 0, 0)
    return PoolFile(name, status.st_size, status.st_mtime_ns)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
