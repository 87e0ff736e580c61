"""A `Table` on the terminal: no number is cut; columns that do not fit follow below, again with the rows' names."""

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
_GAP = 2
"""Between two columns, and at both edges together [characters]."""


class TerminalTable:
    """A table in as many parts as it needs to fit the terminal."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._table
        yield Text(table.title, style="bold")
        for part in _parts(list(map(_width, table.columns, zip(*table.rows, strict=True))), options.max_width - _GAP):
            yield _rich(table, part)
        yield Text("\n".join(table.notes), style="dim")


def _width(column: Column, cells: Sequence[Cell]) -> int:
    """Return the characters that a column needs: its title may be broken between words."""
    longest = max((cell_len(cell.text + cell.symbol) for cell in cells), default=0)
    return max(longest if column.numeric else min(longest, _SENTENCE), *map(cell_len, column.title.split(" ")))


def _parts(widths: Sequence[int], room: int) -> list[dict[int, int]]:
    """Return the columns of each part and their widths, as many as fit; the first column stands in each."""
    first = min(widths[0], room)
    parts = [{0: first}]
    for index, width in enumerate(widths[1:], 1):
        if len(parts[-1]) > 1 and sum(parts[-1].values()) + _GAP * len(parts[-1]) + width > room:
            parts.append({0: first})
        parts[-1][index] = max(min(width, room - first - _GAP), 1)
    return parts


def _rich(table: Table, widths: dict[int, int]) -> RichTable:
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for index, width in widths.items():
        column = table.columns[index]
        justify = "right" if column.numeric else "left"
        made.add_column(column.title, justify=justify, vertical="bottom", overflow="fold", width=width)
    for row in table.rows:
        made.add_row(*(Styled(row[at].text + row[at].symbol, "bold" if row[at].best else "") for at in widths))
    return made
