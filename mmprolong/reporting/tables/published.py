"""The papers' own numbers, from CSV files of one table each, and how numbers are printed."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mmprolong.errors import ConfigError, nearest
from mmprolong.reporting.statistics.intervals import Estimate

LONG = {"64K": "64K avg", "128K": "128K avg", "overall": "overall"}
"""Columns of a report and where they stand in MMProLong's tables of long-document scores [%]."""


@dataclass(frozen=True, slots=True)
class Published:
    """The published tables."""

    files: Mapping[str, Path]
    """By name."""

    def rows(self, table: str, where: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """Return the rows of a table in which every column of `where` has that text.

        Raises:
            ConfigError: no such table or row, or the file is no table.
        """
        if table not in self.files:
            raise ConfigError(f"published table {table!r}: unknown; {nearest(table, self.files)}")
        path = self.files[table]
        rows, wanted = _read(path), dict(where or {})
        kept = [row for row in rows if wanted.items() <= row.items()]
        if not kept:
            raise ConfigError(f"{path}: no row with {wanted}; its columns are {', '.join(rows[0])}")
        return kept

    def mean(self, table: str, where: Mapping[str, str], columns: Mapping[str, str] = LONG) -> dict[str, float]:
        """Return the mean over the chosen rows of each column, under the report's names.

        Args:
            columns: name in the report -> column of the file.

        Raises:
            ConfigError: no such table, row or column, or a cell is no number.
        """
        rows = self.rows(table, where)
        return {name: mean_of(table, rows, column) for name, column in columns.items()}


def require_columns(table: str, rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> None:
    """Refuse a published table of another shape than the one that is printed.

    Raises:
        ConfigError: none of its rows has one of the columns.
    """
    known = dict.fromkeys(name for row in rows for name in row)
    for column in columns:
        if column not in known:
            raise ConfigError(f"published {table}: no column {column!r}; its columns are {', '.join(known)}")


def mean_of(table: str, rows: Sequence[Mapping[str, str]], column: str) -> float:
    """Return the mean of a column.

    Raises:
        ConfigError: there is no such column, or a cell is no finite number.
    """
    require_columns(table, rows, [column])
    values = [parse_number(row[column]) for row in rows]
    if None in values:
        found = rows[values.index(None)][column]
        raise ConfigError(f"published {table}, column {column!r}: {found!r} is no finite number; write a number")
    return fmean(value for value in values if value is not None)


def parse_number(printed: str | float) -> float | None:
    """Return the finite number in a printed cell; None if there is none."""
    try:
        number = float(printed)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def decimal(value: float, digits: int = 1) -> str:
    """Return a number with a typographic minus."""
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Return a difference with its sign; `+0.0` where it rounds to zero."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+")
    return text.replace("-", "−")


def interval(found: Estimate) -> str:
    """Return the 95 % interval of a mean [%]: '[85.9, 92.9]'."""
    return f"[{decimal(100 * found.low)}, {decimal(100 * found.high)}]"


def format_difference(found: Estimate) -> str:
    """Return a difference with its 95 % interval [points]: '+1.4 [−0.6, +3.5]'."""
    value, low, high = (signed(100 * number) for number in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; expected CSV in UTF-8") from error
    if not rows or any(None in (*row, *row.values()) for row in rows):
        raise ConfigError(f"{path}: no rows, or not all of one length; expected a line of column names, then one a row")
    return rows
