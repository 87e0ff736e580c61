"""The one model of a table: its content, free of how it is printed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.published import decimal, format_difference, interval

T = TypeVar("T")
MISSING = "-"
CONFIDENCE = "95\u00a0%"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
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
    """Printed after the text: `*` significant, `ns` not."""

    @classmethod
    def estimate(cls, found: Estimate, text: str, sd: float | None = None, symbol: str = "") -> "TableCell":
        """Make a cell of an estimate, with its numbers in points."""
        value, low, high = 100 * found.value, 100 * found.low, 100 * found.high
        return cls(text=text, value=value, low=low, high=high, sd=sd, symbol=symbol)

    @classmethod
    def mean(cls, found: Estimate | None) -> "TableCell":
        """Make '89.4 [85.9, 92.9]' of a mean."""
        return cls.estimate(found, f"{decimal(100 * found.value)} {interval(found)}") if found else cls()

    @classmethod
    def difference(cls, found: Estimate | None) -> "TableCell":
        """Make '+1.4 [−0.6, +3.5] ns' of a difference: its interval, and whether it is significant."""
        if found is None:
            return cls()
        return cls.estimate(found, format_difference(found), symbol=" *" if found.significant else " ns")

    @classmethod
    def p(cls, found: Estimate | None) -> "TableCell":
        """Make '0.012', or '<0.001', of a difference's p."""
        return cls(text="<0.001" if found.p < 0.001 else f"{found.p:.3f}", value=found.p) if found else cls()

    @classmethod
    def points(cls, share: float) -> "TableCell":
        """Make a cell of a score or difference without an interval, in points."""
        return cls(text=decimal(100 * share), value=100 * share)

    @classmethod
    def count(cls, value: float | None) -> "TableCell":
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
    def of(cls, title: str, key: str = "", numeric: bool = True, score: bool = False) -> "Column":
        """Make a column whose name in CSV is its title, if it is given no other."""
        return cls(key=key or title.replace(" ", "_"), title=title, numeric=numeric, score=score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a paper or report."""

    name: str
    title: str
    caption: str = ""
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    notes: tuple[str, ...] = ()
    """Printed below, one a line."""
    comparisons: int = 0
    """Number of planned comparisons over which p is corrected."""

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        fields: Iterable[tuple[Column, Callable[[T], TableCell]]],
        items: Iterable[T],
        **more: Any,
    ) -> "Table":
        """Make a table by its columns, each with the function that makes its cell of an item: a row an item."""
        columns, makers = zip(*fields, strict=True)
        rows = mark_best([[make(item) for make in makers] for item in items], columns)
        return cls(name=name, title=title, columns=columns, rows=rows, **more)

    def without(self, key: str) -> "Table":
        """Return the table without the column `key`."""
        kept = [index for index, column in enumerate(self.columns) if column.key != key]
        columns, *rows = (tuple(line[index] for index in kept) for line in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows))

    def cell(self, row: str, key: str) -> TableCell:
        """Return the cell of the row whose first cell reads `row`, in the column `key`."""
        index = [column.key for column in self.columns].index(key)
        return next(cells[index] for cells in self.rows if cells[0].text == row)


def mark_best(rows: Sequence[Sequence[TableCell]], columns: Sequence[Column]) -> tuple[tuple[TableCell, ...], ...]:
    """Return the rows with the best of each column of scores in bold; cells that print alike are equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        cells = [row[index] for row in made]
        known = [(cell.value, cell.text.partition(" ")[0]) for cell in cells if cell.value is not None]
        if column.score and len(known) > 1:
            for row, cell in zip(made, cells, strict=True):
                row[index] = replace(cell, best=cell.text.partition(" ")[0] == max(known)[1])
    return tuple(tuple(row) for row in made)


def text_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Make a table of words for a page."""
    heads = tuple(Column.of(title, numeric=False) for title in columns)
    return Table(
        name="", title="", columns=heads, rows=tuple(tuple(TableCell(text=text) for text in row) for row in rows)
    )
