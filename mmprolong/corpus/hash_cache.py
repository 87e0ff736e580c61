"""Hashes of a pool's files: name, size, time and hash of each, kept in the store so that a pool is hashed once.

The file is a cache: one that is missing, damaged or cannot be written costs time, and a line that says so.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from mmprolong.corpus.pool import LICENCES, files, printable
from mmprolong.errors import DiskFull, InvalidSettings, Problem
from mmprolong.store.atomic import write_file

FOLDER = "hashes"
_THREADS = 16
"""At most; hashing is as fast as the disk long before."""
_CHUNK = 16
"""Files that a thread takes at a time."""
_SECONDS = 5.0
"""Between two reports of progress, and the first [s]."""
_SAVED = 60.0
"""Between two times that the hashes are saved while files are hashed [s]."""
_MEGABYTE = 1e6

Natural = Annotated[int, msgspec.Meta(ge=0)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class HashedFile(NamedTuple):
    """A file of a pool, as it was hashed."""

    name: str
    """Relative to the pool; bytes that are not UTF-8 are surrogates in it."""
    size: Natural
    """[bytes]"""
    mtime_ns: int
    sha256: Sha256


class Hashing(NamedTuple):
    """Progress of the hashing of new files."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Speed [MB/s]."""
        return self.bytes / max(self.seconds, 1e-9) / _MEGABYTE

    @property
    def seconds_left(self) -> float:
        """Expected time until the end [s]."""
        return (self.of_bytes - self.bytes) / _MEGABYTE / max(self.rate, 1e-9)

    def __str__(self) -> str:
        """Describe it in one line."""
        files = f"{self.files:,} of {self.of_files:,} new files"
        return f"hashing the pool: {files}, {self.rate:,.0f} MB/s, {self.seconds_left:,.0f} s left"


def to_stderr(line: object) -> None:
    """Write a line where messages go."""
    sys.stderr.write(f"{line}\n")


def pool_digest(
    pool: Path,
    store: Path,
    progress: Callable[[Hashing], None] = to_stderr,
    warn: Callable[[str], None] = to_stderr,
    every: bool = False,
) -> str:
    """Return the SHA-256 over the names and contents of the pool's files, its licences included.

    A file that cannot be read counts as one without content: reading it refuses it.

    Args:
        pool: a folder, a tar or a manifest.
        store: root of the store that keeps the hashes.
        progress: called every few seconds while new files are hashed.
        warn: called with a line where that file or a folder of the pool cannot be read or written.
        every: all files of a folder, not only those that a pool consists of.
    """
    path = cache_path(pool, store)
    found, kept = _scan(pool, warn, every), _load(path, warn)
    known = {name: kept[name] for name in found.keys() & kept.keys() if kept[name][1:3] == found[name]}
    new = {name: status for name, status in found.items() if name not in known}
    if new or kept.keys() - known.keys():
        folder = pool if pool.is_dir() else pool.parent
        _hash_new(folder, new, known, progress, partial(_save, path, pool, warn=warn))
    whole = hashlib.sha256()
    for name in sorted(found, key=lambda name: (name == LICENCES, name)):
        digest = known[name].sha256 if name in known else ""
        whole.update(os.fsencode(name) + b"\0" + digest.encode() + b"\n")
    return whole.hexdigest()


def cache_path(pool: Path, store: Path) -> Path:
    """Return where a store keeps the hashes of a pool."""
    name = hashlib.sha256(os.fsencode(pool.absolute())).hexdigest()[:12]
    return store / FOLDER / f"{name}.jsonl"


def _scan(pool: Path, warn: Callable[[str], None], every: bool) -> dict[str, tuple[int, int]]:
    """Return size and time of every file by its name; zeros where a link leads nowhere."""
    found = files(pool, unreadable=lambda error: warn(f"{printable(str(error))}; its files are left out"), every=every)
    return {each.name: (each.size, each.mtime_ns) for each in found}


def _hash_new(
    folder: Path,
    new: Mapping[str, tuple[int, int]],
    known: dict[str, HashedFile],
    progress: Callable[[Hashing], None],
    save: Callable[[Iterable[HashedFile]], None],
) -> None:
    """Add the new files that can be read to `known`; files that were hashed before an interruption stay."""
    total, files, size = sum(size for size, _ in new.values()), 0, 0
    begun = reported = saved = time.monotonic()
    threads = min(_THREADS, len(os.sched_getaffinity(0)))
    try:
        with ThreadPool(threads) as pool:
            for name, digest in pool.imap_unordered(partial(_hash, folder), new, _CHUNK):
                files, size, now = files + 1, size + new[name][0], time.monotonic()
                if digest:
                    known[name] = HashedFile(name, *new[name], digest)
                if now - reported > _SECONDS:
                    reported = now
                    progress(Hashing(files, len(new), size, total, now - begun))
                if now - saved > _SAVED:
                    saved = now
                    save(known.values())
    finally:
        save(known.values())


def _hash(folder: Path, name: str) -> tuple[str, str]:
    """Return name and SHA-256 of a file; an empty one if it cannot be read."""
    try:
        with (folder / name).open("rb") as file:
            return name, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return name, ""


def _load(path: Path, warn: Callable[[str], None]) -> dict[str, HashedFile]:
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        if json.loads(head)["sha256"] != hashlib.sha256(body).hexdigest():
            raise ValueError("not what was written")
        rows = json.loads(b"[" + b",".join(body.splitlines()) + b"]")
        return {row.name: row for row in msgspec.convert(rows, list[HashedFile])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, RecursionError, msgspec.ValidationError) as error:
        warn(f"{path}: {type(error).__name__}: {error}; hashing the whole pool again")
        return {}


def _save(path: Path, pool: Path, hashed: Iterable[HashedFile], warn: Callable[[str], None]) -> None:
    """Write a line about the pool, with the checksum of what follows, and one a file."""
    body = "".join(json.dumps(file) + "\n" for file in hashed).encode()
    head = json.dumps({"pool": printable(str(pool.absolute())), "sha256": hashlib.sha256(body).hexdigest()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, head.encode() + b"\n" + body)
    except (OSError, DiskFull) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        warn(f"{path}: cannot be written ({reason}); the pool is hashed again the next time")


def benchmarks_digest(benchmarks: Mapping[str, str], store: Path) -> str:
    """Return the digest of the folders of benchmarks, by name; empty: there are none.

    Raises:
        InvalidSettings: one is not a folder.
    """
    missing = [name for name, path in sorted(benchmarks.items()) if not Path(path).is_dir()]
    if missing:
        says = f"{benchmarks[missing[0]]!r} is not a folder; give one"
        raise InvalidSettings(Problem(f"selection.benchmarks.{missing[0]}", says))
    paths = ((name, Path(path).absolute()) for name, path in sorted(benchmarks.items()))
    digests = [[name, pool_digest(path, store, every=True)] for name, path in paths]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest() if digests else ""
