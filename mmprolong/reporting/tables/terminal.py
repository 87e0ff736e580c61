"""A `Table` on the terminal: no number is cut; what is too wide is printed below, each part with the rows' names."""

import textwrap
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.styled import Styled
from rich.table import Table as RichTable
from rich.text import Text

from mmprolong.reporting.tables.model import Cell, Column, Table

_SENTENCE = 24
"""Text longer than this may be broken into lines [characters]."""


class TerminalTable:
    """A table in as many parts as it needs to fit the terminal."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table
        yield Text(table.title, style="bold")
        for part in _parts(table, options.max_width):
            yield _rich(table, part, options.max_width)
        yield Text("\n".join(table.notes), style="dim")


def _parts(table: Table, room: int) -> list[list[int]]:
    """Return the columns of each part, as many as fit; the first column stands in each."""
    widths = [_width(column, cells) for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True)]
    parts = [[0]]
    for index in range(1, len(widths)):
        wide = sum(widths[at] + 2 for at in (*parts[-1], index)) - 2
        if len(parts[-1]) > 1 and wide > room:
            parts.append([0])
        parts[-1].append(index)
    return parts


def _width(column: Column, cells: Sequence[Cell]) -> int:
    """Return the characters that a column needs."""
    longest = _longest(cells)
    own = min(longest, _SENTENCE) if not column.numeric else longest
    return max(own, *map(cell_len, _heading(column, own).split("\n")))


def _longest(cells: Sequence[Cell]) -> int:
    return max((cell_len(cell.text + cell.symbol) for cell in cells), default=0)


def _rich(table: Table, part: Sequence[int], room: int) -> RichTable:
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for index in part:
        column, cells = table.columns[index], [row[index] for row in table.rows]
        longest = _longest(cells)
        made.add_column(
            _heading(column, longest if column.numeric else min(longest, _SENTENCE)),
            justify="right" if column.numeric else "left",
            vertical="bottom",
            overflow="fold",
            no_wrap=longest <= room and (column.numeric or longest <= _SENTENCE),
        )
    for row in table.rows:
        made.add_row(*(Styled(row[at].text + row[at].symbol, "bold" if row[at].best else "") for at in part))
    return made


def _heading(column: Column, width: int) -> str:
    """Return the title broken after its first word, and where it is wider than the cells below it."""
    first, _, rest = (column.title).partition(" ")
    parts = [first, *([rest] if rest else [])]
    return "\n".join(line for part in parts for line in textwrap.wrap(part, max(width, 12), break_long_words=False))
