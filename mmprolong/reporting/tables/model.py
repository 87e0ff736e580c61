"""The one model of a table: its content, free of how it is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.published import decimal, format_difference, interval

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


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and a cell for each row of the table."""

    title: str
    cells: tuple[TableCell, ...]
    key: str
    """Name in CSV."""
    numeric: bool = True

    @classmethod
    def of(cls, title: str, cells: Iterable[TableCell], key: str = "", best: bool = False) -> "Column":
        """Make a column of numbers.

        Args:
            key: name in CSV; empty: the title.
            best: the largest number is printed bold, and what prints like it.
        """
        made = tuple(cells)
        known = [(cell.value, cell.text.partition(" ")[0]) for cell in made if cell.value is not None]
        if best and len(known) > 1:
            made = tuple(replace(cell, best=cell.text.partition(" ")[0] == max(known)[1]) for cell in made)
        return cls(title, made, key or title.replace(" ", "_"))

    @classmethod
    def words(cls, title: str, texts: Iterable[str], key: str = "") -> "Column":
        """Make a column of texts."""
        return cls(title, tuple(TableCell(text=text) for text in texts), key or title.replace(" ", "_"), numeric=False)

    @classmethod
    def counts(cls, title: str, counts: Iterable[float | None]) -> "Column":
        """Make a column of counts."""
        return cls.of(title, map(TableCell.count, counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a paper or report."""

    name: str = ""
    title: str = ""
    caption: str = ""
    columns: Sequence[Column]
    """All with as many cells."""
    notes: Sequence[str] = ()
    """Printed below, one a line."""
    comparisons: int = 0
    """Number of planned comparisons over which p is corrected."""

    @property
    def rows(self) -> list[tuple[TableCell, ...]]:
        """The cells row by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    def without(self, key: str) -> "Table":
        """Return the table without the column `key`."""
        return replace(self, columns=[column for column in self.columns if column.key != key])

    def cell(self, row: str, key: str) -> TableCell:
        """Return the cell of the row whose first cell reads `row`, in the column `key`."""
        place = [cell.text for cell in self.columns[0].cells].index(row)
        return next(column.cells[place] for column in self.columns if column.key == key)


def text_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Make a table of words for a page."""
    lines = list(rows)
    return Table(columns=[Column.words(title, (row[at] for row in lines)) for at, title in enumerate(titles)])
