"""Lists of records by a key in Parquet files of one folder: one row a key, read by row groups of bounded size."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
import numpy as np

from mmprolong.errors import DataError
from mmprolong.store.atomic import replacing
from mmprolong.store.lines_by_key import Place, places_file, places_in, write_places

if TYPE_CHECKING:
    from pyarrow import Table

T = TypeVar("T")
Row = tuple[str, bytes]
"""Key, and a list of records as JSON."""
_BYTES = 1 << 19
"""Bytes of JSON of a row group; a longer list has one alone. Larger groups are no smaller on the disk."""
_GROUPS = 256
"""Row groups of a file: its footer, which is read whole, stays small."""
_HELD = 4
"""Row groups, and footers of files, that are in memory."""


def write_by_key(folder: Path, rows: Iterable[Row]) -> None:
    """Write rows in their order; one row group is in memory, and 24 bytes a key.

    Raises:
        DiskFull: names the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_places(folder / "rows", _write(folder, rows))


def _write(folder: Path, rows: Iterable[Row]) -> Iterator[Place]:
    """Write the files; yield the row group and the row of each key."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema([("key", pyarrow.string()), ("records", pyarrow.string())])
    for number, groups in groupby(enumerate(_grouped(rows)), lambda each: each[0] // _GROUPS):
        with (
            replacing(_file(folder, number)) as file,
            ParquetWriter(file, schema, compression="zstd", use_dictionary=False, write_statistics=False) as writer,
        ):
            for place, group in groups:
                keys, records = zip(*group, strict=True)
                writer.write_table(pyarrow.table([keys, pyarrow.array(records, pyarrow.string())], schema=schema))
                yield from ((key, place, row) for row, key in enumerate(keys))


def _grouped(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group, size = list[Row](), 0
    for row in rows:
        if group and size + len(row[1]) > _BYTES:
            yield group
            group, size = [], 0
        group.append(row)
        size += len(row[1])
    if group:
        yield group


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.parquet"


class ParquetByKey(Generic[T]):
    """The lists of records in a folder that `write_by_key` wrote.

    Args:
        kind: of each record.
    """

    def __init__(self, folder: Path, kind: type[T]) -> None:
        from pyarrow.parquet import ParquetFile

        self.folder = folder
        self._decoder = msgspec.json.Decoder(list[kind])  # pyright: ignore[reportInvalidTypeForm]
        self._table = np.load(places_file(folder / "rows"), mmap_mode="r")
        self._opened = lru_cache(_HELD)(lambda number: ParquetFile(_file(folder, number)))
        self._group = lru_cache(_HELD)(self._read)

    def records(self, key: str) -> list[T]:
        """Return the records of a key, in their order; none: an empty list.

        Raises:
            DataError: a file is missing or damaged.
        """
        import pyarrow

        try:
            for number, row in places_in(self._table, key):  # equal hashes are rare
                group = self._group(number)
                if group["key"][row].as_py() == key:
                    return self._decoder.decode(group["records"][row].as_buffer())
        except (OSError, pyarrow.ArrowException, msgspec.DecodeError) as error:
            raise DataError(f"{self.folder}: {error}; run its step again") from error
        return []

    def _read(self, number: int) -> "Table":
        return self._opened(number // _GROUPS).read_row_group(number % _GROUPS, use_threads=False)
