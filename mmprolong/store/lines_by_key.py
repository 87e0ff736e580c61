"""JSON lines by their `id`: a table of places in memory instead of the records, which are read when asked for."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from mmprolong.errors import DataError
from mmprolong.store.atomic import replacing

T = TypeVar("T")
Place = tuple[str, int, int]
"""Key, first byte and number of bytes; or key, row group and row."""


class LinesByKey(Generic[T]):
    """The records of a file by their `id`.

    The table, 24 bytes a record, is the mapped one that `write_lines` left, or made by reading all lines once.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._kind = kind
        stored = places_file(path)
        found = np.load(stored, mmap_mode="r") if stored.exists() else _table(_scanned(path))
        self._table = np.asarray(found)  # a plain array is asked in half the time

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, key: str) -> bool:
        return bool(self.lines(key))

    def lines(self, key: str) -> list[T]:
        """Return the record of a key in a list; an empty one if there is none.

        Raises:
            DataError: the file is damaged.
        """
        for begin, size in places_in(self._table, key):  # equal hashes are rare
            with self.path.open("rb") as file:
                file.seek(begin)
                found: Any = self._decoded(file.read(size))
            if found.id == key:
                return [found]
        return []

    def hashes(self) -> np.ndarray:
        """Return the hashes of all keys, uint64, sorted."""
        return self._table[:, 0]

    def _decoded(self, line: bytes) -> T:
        try:
            return _decoder(self._kind).decode(line)
        except msgspec.DecodeError as error:
            raise DataError(f"{self.path}: {error}; expected a {self._kind.__name__}; run its step again") from error


def write_lines(path: Path, records: Iterable[tuple[str, Any]]) -> int:
    """Write records as JSON lines, each with its key, and their table of places. Returns the number of lines.

    Raises:
        DiskFull: names the file.
    """

    def placed() -> Iterator[Place]:
        begin = 0
        for key, record in records:
            line = encoder.encode(record) + b"\n"
            file.write(line)
            yield key, begin, len(line)
            begin += len(line)

    encoder = msgspec.json.Encoder()
    with replacing(path) as file:
        return write_places(path, placed())


def write_places(path: Path, places: Iterable[Place]) -> int:
    """Write a table of places beside the file that it is of. Returns the number of its rows.

    Raises:
        DiskFull: names the file.
    """
    table = _table(places)
    with replacing(places_file(path)) as file:
        np.save(file, table)
    return len(table)


def places_in(table: np.ndarray, key: str) -> Iterator[tuple[int, int]]:
    """Yield the two numbers of each place that has the hash of a key."""
    wanted = _hash(key)
    row = int(np.searchsorted(table[:, 0], wanted))
    while row < len(table) and table[row, 0] == wanted:
        yield int(table[row, 1]), int(table[row, 2])
        row += 1


def places_file(path: Path) -> Path:
    """Return the file of the table of places in a file."""
    return path.with_suffix(".places.npy")


def hash_of(keys: Iterable[str]) -> np.ndarray:
    """Return the hashes of keys, uint64, in their order."""
    return np.fromiter((_hash(key) for key in keys), np.uint64)


def _hash(key: str) -> np.uint64:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest) >> 1)  # so that the one after it is a uint64, too


def _table(places: Iterable[Place]) -> np.ndarray:
    """Return uint64 (keys, 3): hash, first byte, bytes; sorted by hash."""
    rows = np.fromiter(((_hash(key), begin, size) for key, begin, size in places), np.dtype((np.uint64, 3)))
    return rows[np.argsort(rows[:, 0], kind="stable")]


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:  # kept here: it cannot be sent to a worker
    return msgspec.json.Decoder(kind)


class _Keyed(msgspec.Struct):
    id: str


def _scanned(path: Path) -> Iterator[Place]:
    decoder, begin = msgspec.json.Decoder(_Keyed), 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield decoder.decode(line).id, begin, len(line)
            except msgspec.DecodeError as error:
                raise DataError(f"{path}:{number}: {error}; run its step again") from error
            begin += len(line)
