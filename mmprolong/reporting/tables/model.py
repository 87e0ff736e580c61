"""The one model of a table: what it says, free of how it is printed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mmprolong.reporting.tables.published import Agreement

MISSING = "-"
PRINT, CSV = "print", "csv"
"""Where a column stands that does not stand everywhere."""
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
    """Printed after the text: `*` clear of zero, `ns` not, `≈` not told apart from the best, `†` seeds are missing,
    `‡ stale` not what would be run today.
    """

    @classmethod
    def count(cls, value: float | None) -> "Cell":
        """Make a cell of a count: thousands apart; three digits of what is not whole."""
        if value is None:
            return cls()
        return cls(text=f"{value:,.0f}" if value == int(value) else f"{value:.3g}", value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; neighbours of one group share a heading."""

    key: str
    """Name in CSV."""
    title: str
    group: str = ""
    numeric: bool = True
    flat: str = ""
    """Heading where groups cannot be drawn; empty: the title."""
    score: bool = False
    """Whether more is better: the best of the column is printed bold."""
    only: str = ""
    """`print` or `csv`; empty: both."""

    @classmethod
    def published(cls, name: str, group: str, score: bool = False) -> "Column":
        """Make a column of the paper's, which may stand beside ours of that name."""
        return cls(key=key_of(f"published {name}"), title=name, group=group, flat=f"published {name}", score=score)


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
    finding: tuple[str, ...] = ()
    """What it says, in sentences."""
    agreements: tuple[Agreement, ...] = ()
    """Our differences against the published ones."""
    comparisons: int = 0
    """Over how many planned comparisons p is corrected."""

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"{self.name}: a row has {len(wrong[0])} cells; the table has {len(self.columns)} columns")

    def shown(self, where: str) -> "Table":
        """Return the table with the columns that are printed, or that stand in CSV."""
        return self._with(lambda column: column.only in ("", where))

    def without(self, key: str) -> "Table":
        """Return the table without the column `key`."""
        return self._with(lambda column: column.key != key)

    def _with(self, wanted: Callable[[Column], bool]) -> "Table":
        kept = [index for index, column in enumerate(self.columns) if wanted(column)]
        columns, *rows = (tuple(line[index] for index in kept) for line in (self.columns, *self.rows))
        return replace(self, columns=columns, rows=tuple(rows))

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings over the printed columns and how many columns each spans, from the left."""
        spans: list[tuple[str, int]] = []
        for column in self.shown(PRINT).columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = column.group, spans[-1][1] + 1
            else:
                spans.append((column.group, 1))
        return spans

    @property
    def footnotes(self) -> list[str]:
        """The notes, and one line for each comparison with the paper."""
        return [*self.notes, *(f"Direction: {one}." for one in self.agreements)]

    def cell(self, row: str, key: str) -> Cell:
        """Return the cell of the row whose first cell reads `row`, in the column `key`."""
        index = [column.key for column in self.columns].index(key)
        return next(cells[index] for cells in self.rows if cells[0].text == row)


def key_of(title: str) -> str:
    """Return a title as a name in CSV."""
    return title.replace(" ", "_")


def with_best(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows with the best of each column of scores in bold; what prints alike is equally good."""
    made = [list(row) for row in rows]
    for index, column in enumerate(columns):
        known = [(row[index].value or 0.0, _number(row[index])) for row in made if row[index].value is not None]
        if not column.score or len(known) < 2:
            continue
        best = max(known)[1]
        for row in made:
            row[index] = replace(row[index], best=_number(row[index]) == best)
    return tuple(tuple(row) for row in made)


def _number(cell: Cell) -> str:
    """The mean that a cell prints, without its spread."""
    return cell.text.partition(" ")[0]
