"""The one model of a table: its content, free of how it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmprolong.reporting.statistics.intervals import Estimate

MISSING = "-"
NBSP = "\u00a0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One printed value and the numbers behind it."""

    text: str = MISSING
    value: float | None = None
    low: float | None = None
    """Lower end of the interval, if the cell has one."""
    high: float | None = None
    sd: float | None = None
    """Standard deviation over seeds."""
    best: bool = False
    """Best of its column: printed bold."""
    symbol: str = ""
    """Printed after the text: `*` significant, `ns` not, `≈` not significantly below the best."""

    @classmethod
    def estimate(cls, found: Estimate, text: str, sd: float | None = None, symbol: str = "") -> "Cell":
        """Make a cell of an estimate, with its numbers in points."""
        value, low, high = 100 * found.value, 100 * found.low, 100 * found.high
        return cls(text=text, value=value, low=low, high=high, sd=sd, symbol=symbol)

    @classmethod
    def count(cls, value: float | None) -> "Cell":
        """Make a cell of a count: thousands apart; three digits of what is not whole."""
        if value is None:
            return cls()
        return cls(text=f"{value:,.0f}" if value == int(value) else f"{value:.3g}", value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    key: str
    """Name in CSV."""
    title: str
    numeric: bool = True
    score: bool = False
    """More is better: the best of the column is printed bold."""

    @classmethod
    def of(cls, title: str, numeric: bool = True, score: bool = False) -> "Column":
        """Make a column whose name in CSV is its title."""
        return cls(key=title.replace(" ", "_"), title=title, numeric=numeric, score=score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a paper or report."""

    name: str
    title: str
    caption: str = ""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    """Printed below, one a line."""
    comparisons: int = 0
    """Number of planned comparisons over which p is corrected."""

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"{self.name}: a row has {len(wrong[0])} cells; the table has {len(self.columns)} columns")

    def without(self, key: str) -> "Table":
        """Return the table without the column `key`."""
        kept = [index for index, column in enumerate(self.columns) if column.key != key]
        columns, *rows = (tuple(line[index] for index in kept) for line in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows))

    def cell(self, row: str, key: str) -> Cell:
        """Return the cell of the row whose first cell reads `row`, in the column `key`."""
        index = [column.key for column in self.columns].index(key)
        return next(cells[index] for cells in self.rows if cells[0].text == row)


def mark_best(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows with the best of each column of scores in bold; cells that print alike are equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        cells = [row[index] for row in made]
        known = [(cell.value, cell.text.partition(" ")[0]) for cell in cells if cell.value is not None]
        if column.score and len(known) > 1:
            for row, cell in zip(made, cells, strict=True):
                row[index] = replace(cell, best=cell.text.partition(" ")[0] == max(known)[1])
    return tuple(tuple(row) for row in made)
