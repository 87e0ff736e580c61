"""Records of public data sets, each with its place; what cannot be asked becomes a reject, nothing else is lost."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmprolong.conversations import images_of
from mmprolong.errors import DataError
from mmprolong.images.image_files import SCHEME as FILE
from mmprolong.images.video_frames import SCHEME as VIDEO
from mmprolong.records import Reject, Sample

T = TypeVar("T", bound=msgspec.Struct)
Row = tuple[str, int, T | Reject]
"""Name of the place ('a.jsonl:7'), place among the rows of the file from 0, and what stands there."""
_UNREADABLE = "not an official record"


def json_lines(path: Path, kind: type[T]) -> Iterator[Row[T]]:
    """Yield place and record of each line that is not blank."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if line.strip():
                where = f"{path.name}:{number + 1}"
                yield where, number, _decoded(where, line, kind)


def json_list(path: Path, kind: type[T]) -> Iterator[Row[T]]:
    """Yield place and record of each item of a list.

    Raises:
        DataError: the file holds none.
    """
    try:
        items = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise DataError(f"{path}: {error}; expected the official list of questions") from error
    for number, item in enumerate(items):
        where = f"{path.name}[{number}]"
        yield where, number, _decoded(where, item, kind)


def parquet_rows(path: Path, kind: type[T]) -> Iterator[Row[T]]:
    """Yield place and record of each row; only the columns that `kind` has are read.

    Raises:
        DataError: the file is no Parquet file, or lacks a column.
    """
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    columns = [field.name for field in msgspec.structs.fields(kind)]
    try:
        with ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise DataError(f"{path}: no column {missing[0]!r}; expected {', '.join(columns)}")
            number = 0
            for batch in file.iter_batches(batch_size=256, columns=columns):
                for row in batch.to_pylist():
                    where = f"{path.name}[{number}]"
                    yield where, number, _converted(where, row, kind)
                    number += 1
    except (ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: {error}; expected a Parquet file") from error


def _decoded(where: str, text: bytes | msgspec.Raw, kind: type[T]) -> T | Reject:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        return Reject(what=where, reason=_UNREADABLE, detail=str(error))


def _converted(where: str, row: dict[str, Any], kind: type[T]) -> T | Reject:
    try:
        return msgspec.convert(row, type=kind)
    except msgspec.ValidationError as error:
        return Reject(what=where, reason=_UNREADABLE, detail=str(error))


def asked(
    rows: Iterable[Row[T]], make: Callable[[T, int], Sample | Reject], root: Path | None
) -> Iterator[Sample | Reject]:
    """Yield the sample of each record.

    A record that `make` refuses, an id that was there before, and a question of which an image or a film is not below
    `root` become rejects that name file, line and id.

    Args:
        make: builds a sample of a record and its place; raises where the record does not make sense.
    """
    seen: set[str] = set()
    there: dict[Path, bool] = {}
    for where, number, record in rows:
        item = record if isinstance(record, Reject) else _made(where, number, record, make)
        if isinstance(item, Sample):
            called = f"{where} ({item.id})"
            gone = next((path for path in _files(item, root) if not there.setdefault(path, path.exists())), None)
            if item.id in seen:
                item = Reject(what=called, reason="duplicate id", detail=item.id)
            elif gone is not None:
                item = Reject(what=called, reason="image or film is not there", detail=str(gone))
            else:
                seen.add(item.id)
        yield item


def _made(where: str, number: int, record: T, make: Callable[[T, int], Sample | Reject]) -> Sample | Reject:
    try:
        return make(record, number)
    except DataError as error:
        return Reject(what=where, reason="cannot be read", detail=str(error))
    except (LookupError, OSError, SyntaxError, TypeError, ValueError, msgspec.MsgspecError) as error:
        return Reject(what=where, reason=_UNREADABLE, detail=f"{type(error).__name__}: {error}")


def _files(sample: Sample, root: Path | None) -> Iterator[Path]:
    for image in images_of(sample.prompt):
        scheme, _, path = image.source.partition(":")
        if root is not None and f"{scheme}:" in (FILE, VIDEO):
            yield root / (path.rpartition("#")[0] or path)


def as_json(text: Any) -> Any:
    """Return what a text holds as JSON; anything but text as it is.

    Raises:
        ValueError: it is no JSON.
    """
    return json.loads(text) if isinstance(text, str) else text
