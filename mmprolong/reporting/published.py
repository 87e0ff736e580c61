"""The papers' own numbers, from CSV files that are one table each."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmprolong.errors import ConfigError, nearest

LONG = {"64K": "64K avg", "128K": "128K avg", "overall": "overall"}
"""Columns of a report and where they stand in MMProLong's tables of long-document scores [%]."""


@dataclass(frozen=True, slots=True)
class Published:
    """The folder of published tables."""

    folder: Path

    def rows(self, table: str, where: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """The rows of a table in which every column of `where` has that text.

        Raises:
            ConfigError: no such table, or no such row.
        """
        path = self.folder / f"{table}.csv"
        if not path.is_file():
            known = (file.stem for file in self.folder.glob("*.csv"))
            raise ConfigError(f"{self.folder}: no published table {table!r}; {nearest(table, known)}")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        wanted = dict(where or {})
        kept = [row for row in rows if wanted.items() <= row.items()]
        if not kept:
            raise ConfigError(f"{path}: no row with {wanted}; its columns are {', '.join(rows[0])}")
        return kept

    def mean(self, table: str, where: Mapping[str, str], columns: Mapping[str, str] = LONG) -> dict[str, float]:
        """The mean over the chosen rows of each column, under the report's names.

        Args:
            columns: name in the report -> column of the file.
        """
        rows = self.rows(table, where)
        return {name: sum(float(row[column]) for row in rows) / len(rows) for name, column in columns.items()}
