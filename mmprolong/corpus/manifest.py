"""Manifests: files that list the documents of a pool, with their licence, source and language."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mmprolong.errors import DataError, nearest
from mmprolong.records import Reject

_COLUMNS = ("path", "licence", "source", "language")
_SPELLINGS = {"license": "licence"}
_ROWS = 65_536


class Entry(NamedTuple):
    """A document of the pool, not opened yet."""

    name: str
    """Path relative to the pool's folder; inside a tar, as if the tar were a folder."""
    licence: str = "unknown"
    origin: str = ""
    """Where it was published: an address, or the name of a collection."""
    language: str = ""
    """ISO 639-1; empty: to be detected."""


def listed(path: Path, rejects: list[Reject]) -> Iterator[Entry]:
    """Yield the documents that a manifest lists, each name once; rows that name none are refused into `rejects`.

    Raises:
        DataError: it has no column `path`, or is not of the kind that its ending says.
    """
    seen: set[str] = set()
    for number, row in enumerate(_rows(path), 1):
        fields = {_SPELLINGS.get(str(name), str(name)): value for name, value in row.items()}
        texts = {name: str(fields[name]).strip() for name in _COLUMNS if fields.get(name) not in (None, "")}
        name, what = texts.get("path", ""), f"{path.name}, row {number}"
        if not name:
            if number == 1 and "path" not in fields:
                raise DataError(f"{path}: no column 'path'; {nearest('path', map(str, row))}; name one so")
            rejects.append(Reject(what=what, reason="row without a path"))
        elif name in seen:
            rejects.append(Reject(what=what, reason="listed twice", detail=name))
        else:
            seen.add(name)
            yield Entry(name, texts.get("licence", "unknown"), texts.get("source", ""), texts.get("language", ""))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    match path.suffix.lower():
        case ".parquet":
            yield from _parquet_rows(path)
        case ".jsonl":
            decoder = msgspec.json.Decoder(dict[str, Any])
            with path.open("rb") as file:
                for number, line in enumerate(filter(bytes.strip, file), 1):
                    try:
                        yield decoder.decode(line)
                    except msgspec.DecodeError as error:
                        raise DataError(f"{path}: row {number}: {error}; mend it") from error
        case ending:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                try:
                    yield from csv.DictReader(file, delimiter="\t" if ending == ".tsv" else ",")
                except csv.Error as error:
                    raise DataError(f"{path}: {error}; mend it") from error


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name in (*_COLUMNS, *_SPELLINGS)]
            if not wanted:
                yield dict.fromkeys(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_ROWS, columns=wanted):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path}: {error}; give a Parquet file") from error
