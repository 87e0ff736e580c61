"""Images that stand in the cells of a table: base64 in a TSV file, bytes in a Parquet file."""

import ast
import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.image_files import below, open_picture

SCHEME = "table:"
csv.field_size_limit(2**31 - 1)  # an image is one field


class TableImages:
    """Draws `table:SET/PATH#COLUMN@ROW`, the image `index` of a cell.

    A row of a TSV file is named by the byte that it begins at, so that none before it is read; one of a Parquet file by
    its number, from 0.

    Args:
        root: folder in which the data sets lie.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._columns: dict[Path, list[str]] = {}
        self._group: tuple[Path, int, str] | None = None
        self._cells: list[Any] = []
        """Of the Parquet row group that was read last: neighbours are asked for together."""

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height [px] of what `pixels` gives, without drawing it.

        Raises:
            DataError: there is no such image, or it cannot be drawn.
        """
        with open_picture(self._bytes(image), image.source) as picture:
            return picture.size

    def pixels(self, image: Image) -> np.ndarray:
        """Return the image as uint8 (H, W, 3).

        Raises:
            DataError: as `size`.
        """
        with open_picture(self._bytes(image), image.source) as picture:
            return np.array(picture.convert("RGB"))

    def _bytes(self, image: Image) -> io.BytesIO:
        name, _, cell = image.source.removeprefix(SCHEME).rpartition("#")
        column, _, row = cell.rpartition("@")
        path = below(self._root, image, name)
        try:
            cells = self._in_tsv(path, column, int(row)) if path.suffix == ".tsv" else self._parquet(path, column, row)
            return io.BytesIO(cells[image.index])
        except (OSError, LookupError, ValueError, csv.Error) as error:
            found = f"{type(error).__name__}: {error}"
            raise DataError(f"image {image.source!r}: {found}; has the table changed since?") from error

    def _in_tsv(self, path: Path, column: str, begin: int) -> list[bytes]:
        if path not in self._columns:
            with path.open("rb") as file:
                self._columns[path] = next(_records(file))[1]
        with path.open("rb") as file:
            file.seek(begin)
            _, values = next(_records(file), (0, []))
        cell = values[self._columns[path].index(column)]
        return [base64.b64decode(text, validate=True) for text in listed(cell)]

    def _parquet(self, path: Path, column: str, row: str) -> list[bytes]:
        from pyarrow.parquet import ParquetFile

        with ParquetFile(path) as file:
            group, place = 0, int(row)
            while place >= file.metadata.row_group(group).num_rows:
                place -= file.metadata.row_group(group).num_rows
                group += 1
            if self._group != (path, group, column):
                self._cells = file.read_row_group(group, columns=[column])[column].to_pylist()
                self._group = path, group, column
        cell = self._cells[place]
        pictures = [cell] if isinstance(cell, dict) else cell
        return [each["bytes"] if isinstance(each, dict) else each for each in pictures]


def tsv_rows(path: Path) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Yield the number, from 1, and the first byte of each row of a TSV file, and its cells that are not empty.

    A row that has no cell for some column lacks it; one with more cells than columns is yielded without any.

    Raises:
        DataError: the file is empty, or no text.
    """
    with path.open("rb") as file:
        try:
            records = _records(file)
            columns = next(records, (0, []))[1]
            if not columns:
                raise DataError(f"{path}: empty; expected a table with a header")
            for number, (begin, values) in enumerate(records, 1):
                whole = values if len(values) <= len(columns) else []
                yield number, begin, {name: value for name, value in zip(columns, whole, strict=False) if value}
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: {error}; expected a table of UTF-8 text") from error


def _records(file: io.BufferedReader) -> Iterator[tuple[int, list[str]]]:
    """Yield the first byte and the cells of each record; a quoted cell may run over several lines."""
    end = file.tell()

    def lines() -> Iterator[str]:
        nonlocal end
        for line in file:
            end += len(line)
            yield line.decode("utf-8")

    begin = end
    for values in csv.reader(lines(), delimiter="\t"):
        yield begin, values
        begin = end


def listed(cell: str) -> list[str]:
    """Return the items of a cell that holds a list as Python writes it, or the cell itself.

    Raises:
        ValueError: it begins like a list and is none.
    """
    if not cell.startswith("["):
        return [cell]
    try:
        return [str(item) for item in ast.literal_eval(cell)]
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"{cell[:80]!r} is no list") from error
