"""Records as JSON lines: one object a line, read by any tool."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmprolong.errors import DataError
from mmprolong.store.atomic import replacing

T = TypeVar("T")


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object a line; the file appears whole or not at all. Returns the number of lines.

    Raises:
        DiskFull: names the file.
    """
    encoder = msgspec.json.Encoder()
    count = 0
    with replacing(path) as file:
        for record in records:
            file.write(encoder.encode(record) + b"\n")
            count += 1
    return count


def read_jsonl(path: Path, kind: type[T], first: int = 0, begin: int = 0, lines: int | None = None) -> Iterator[T]:
    """Yield the records of a file, checked against their type.

    Args:
        first: line, from 0, with which to begin.
        begin: its first byte.
        lines: number of lines to read; none: all.

    Raises:
        DataError: a line is not a `kind`; names file and line.
    """
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        file.seek(begin)
        for number, line in enumerate(islice(file, lines), first + 1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DataError(f"{path}:{number}: {error}; expected a {kind.__name__}") from error
