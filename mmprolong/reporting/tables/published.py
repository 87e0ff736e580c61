"""The papers' own numbers, from CSV files that are one table each."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmprolong.errors import ConfigError, nearest
from mmprolong.reporting.tables.papers import LONG


@dataclass(frozen=True, slots=True)
class Published:
    """The published tables."""

    files: Mapping[str, Path]
    """By name."""

    def rows(
        self, table: str, where: Mapping[str, str] | None = None, columns: Iterable[str] = ()
    ) -> list[dict[str, str]]:
        """The rows of a table in which every column of `where` has that text.

        Args:
            columns: what the rows must have.

        Raises:
            ConfigError: no such table, row or column, or the file is no table.
        """
        if table not in self.files:
            raise ConfigError(f"published table {table!r}: unknown; {nearest(table, self.files)}")
        path = self.files[table]
        rows = _read(path)
        require_columns(table, rows, columns)
        wanted = dict(where or {})
        kept = [row for row in rows if wanted.items() <= row.items()]
        if not kept:
            raise ConfigError(f"{path}: no row with {wanted}; its columns are {', '.join(rows[0])}")
        return kept

    def mean(self, table: str, where: Mapping[str, str], columns: Mapping[str, str] = LONG) -> dict[str, float]:
        """The mean over the chosen rows of each column, under the report's names.

        Args:
            columns: name in the report -> column of the file.

        Raises:
            ConfigError: no such table, row or column, or a cell is no number.
        """
        rows = self.rows(table, where, columns.values())
        return {name: numbers(table, rows, column) / len(rows) for name, column in columns.items()}


def require_columns(table: str, rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> None:
    """Refuse a published table of another shape than the one that is printed.

    Raises:
        ConfigError: none of its rows has one of the columns.
    """
    known = dict.fromkeys(name for row in rows for name in row)
    missing = [column for column in columns if column not in known]
    if rows and missing:
        raise ConfigError(f"published {table}: no column {missing[0]!r}; its columns are {', '.join(known)}")


def numbers(table: str, rows: Sequence[Mapping[str, str]], column: str) -> float:
    """The sum of a column.

    Raises:
        ConfigError: a cell is no finite number.
    """
    try:
        return sum(_finite(row[column]) for row in rows)
    except ValueError as error:
        raise ConfigError(f"published {table}, column {column!r}: {error}; write a number") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite")
    return number


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; expected CSV in UTF-8") from error
    ragged = [line for line, row in enumerate(rows, 2) if None in row or None in row.values()]
    if not rows or ragged:
        found = f"line {ragged[0]} has another number of cells than the first" if ragged else "no rows"
        raise ConfigError(f"{path}: {found}; expected a line of column names, then one a row")
    return rows
