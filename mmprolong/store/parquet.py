"""Records as Parquet: one column a field, read by any tool."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from mmprolong.errors import DataError
from mmprolong.store.atomic import replacing

if TYPE_CHECKING:
    from pyarrow import Schema, Table

T = TypeVar("T")
_ROWS = 65_536
"""Rows of a group, written together."""
_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool_"}


def write_parquet(path: Path, records: Iterable[Any], kind: type) -> int:
    """Write flat records; the file appears whole or not at all. Returns the number of rows.

    Raises:
        DiskFull: names the file.
    """
    from pyarrow import array, table

    rows, schema = iter(records), _schema(kind)

    def tables() -> Iterator["Table"]:
        while chunk := list(islice(rows, _ROWS)):
            columns = [array([getattr(each, one.name) for each in chunk], one.type) for one in schema]
            yield table(columns, schema=schema)

    return _write(path, schema, tables())


def join_parquet(path: Path, files: Iterable[Path], kind: type) -> int:
    """Write the rows of several files into one, as `write_parquet` would. Returns the number of rows.

    Raises:
        DiskFull: names the file.
    """
    from pyarrow import concat_tables
    from pyarrow.parquet import read_table

    schema = _schema(kind)

    def tables() -> Iterator["Table"]:
        held = schema.empty_table()
        for file in files:
            held = concat_tables([held, read_table(file, schema=schema)])
            while len(held) >= _ROWS:
                yield held.slice(0, _ROWS).combine_chunks()
                held = held.slice(_ROWS)
        if len(held):
            yield held.combine_chunks()

    return _write(path, schema, tables())


def _schema(kind: type) -> "Schema":
    import pyarrow

    return pyarrow.schema({name: getattr(pyarrow, _TYPES[each])() for name, each in get_type_hints(kind).items()})


def _write(path: Path, schema: "Schema", tables: Iterable["Table"]) -> int:
    from pyarrow.parquet import ParquetWriter

    count = 0
    with replacing(path) as file, ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(table)
            count += len(table)
    return count


def read_parquet(path: Path, kind: type[T]) -> Iterator[T]:
    """Yield the records of a file.

    Raises:
        DataError: the file is missing, damaged or of another kind.
    """
    import pyarrow
    from pyarrow.parquet import ParquetFile

    names = list(get_type_hints(kind))
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS, columns=names):
                columns = [_values(batch.column(name)) for name in names]
                yield from (kind(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))
    except (OSError, pyarrow.ArrowException, TypeError, KeyError) as error:
        raise DataError(f"{path}: {error}; run the step again") from error


def _values(column: Any) -> list[Any]:
    """Return the values of a column; a text that several rows have is held once."""
    values, same = column.to_pylist(), dict[str, str]()
    return [same.setdefault(value, value) for value in values] if column.type == "string" else values
