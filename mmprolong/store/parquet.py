"""Records as Parquet: one column a field, read by any tool."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from mmprolong.errors import DataError
from mmprolong.store.atomic import replacing

T = TypeVar("T")
_ROWS = 65_536
"""Rows of a group, written together."""
_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool_"}


def write_parquet(path: Path, records: Iterable[Any], kind: type) -> int:
    """Write flat records; the file appears whole or not at all. Returns the number of rows.

    Raises:
        DiskFull: names the file.
    """
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    types = {name: getattr(pyarrow, _TYPES[each])() for name, each in get_type_hints(kind).items()}
    rows, count = iter(records), 0
    with replacing(path) as file, ParquetWriter(file, pyarrow.schema(types)) as writer:
        while chunk := list(islice(rows, _ROWS)):
            columns = [pyarrow.array([getattr(each, name) for each in chunk], of) for name, of in types.items()]
            writer.write_table(pyarrow.table(columns, schema=writer.schema))
            count += len(chunk)
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
