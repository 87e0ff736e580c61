"""Files inside tar shards, named as if the tar were a folder: `shard-000.tar/report.pdf`."""

import tarfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ENDING = ".tar"
_OPEN = 64
"""Tars whose tables of contents are kept."""


class Member(NamedTuple):
    """Place of a file in a tar; a link has no place (-1)."""

    offset: int
    size: int


def split_member(path: Path) -> tuple[Path, str] | None:
    """Return the tar that holds `path` and the member's name; None for a path outside of tars."""
    if f"{ENDING}/" not in path.as_posix().lower():
        return None
    tar = next((each for each in path.parents if each.suffix.lower() == ENDING and each.is_file()), None)
    return (tar, path.relative_to(tar).as_posix()) if tar else None


def members(tar: Path) -> dict[str, Member]:
    """Return files and links of a tar by their names.

    Raises:
        OSError: it cannot be read.
        tarfile.TarError: it is no tar, or is cut off.
    """
    status = tar.stat()
    return _members(tar, status.st_mtime_ns, status.st_size)


def read_member(tar: Path, name: str, most: int) -> bytes:
    """Return the first `most` bytes of a member.

    Raises:
        OSError: there is no such member, it is a link, or it cannot be read.
        tarfile.TarError: the tar is damaged.
    """
    member = members(tar).get(name)
    if member is None:
        raise FileNotFoundError(f"{tar} holds no {name!r}")
    if member.offset < 0:
        raise OSError(f"{name!r} is a link inside a tar")
    with tar.open("rb") as file:
        file.seek(member.offset)
        return file.read(min(member.size, most))


@lru_cache(_OPEN)
def _members(tar: Path, mtime_ns: int, size: int) -> dict[str, Member]:
    with tarfile.open(tar, "r:") as archive:
        found = {
            each.name.removeprefix("./"): each for each in archive if each.isfile() or each.islnk() or each.issym()
        }
    last = max((each.offset_data + each.size for each in found.values() if each.isfile()), default=0)
    if last > size:
        raise tarfile.ReadError("unexpected end of data")
    return {name: Member(each.offset_data if each.isfile() else -1, each.size) for name, each in found.items()}
