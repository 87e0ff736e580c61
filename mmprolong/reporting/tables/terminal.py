"""A `Table` on the terminal: no number is cut; columns that do not fit follow below, again with the rows' names."""

import textwrap
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.styled import Styled
from rich.table import Table as RichTable
from rich.text import Text

from mmprolong.reporting.tables.model import Table

_SENTENCE = 24
"""Text longer than this may be broken into lines [characters]."""
_GAP = 2
"""Between two columns, and at both edges together [characters]."""


class TerminalTable:
    """A table in as many parts as it needs to fit the terminal."""

    def __init__(self, table: Table) -> None:
        self._table = table
        cells = [[cell_len(cell.text + cell.symbol) for cell in column] for column in zip(*table.rows, strict=True)]
        words = [map(cell_len, column.title.split(" ")) for column in table.columns]  # a title is broken between them
        self._widths = [max(*each, *others) for each, others in zip(cells, words, strict=True)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self._table.title, style="bold")
        for part in self._parts(options.max_width - _GAP):
            yield self._rich(part, options.max_width - _GAP)
        yield Text("\n".join(self._table.notes), style="dim")

    def _parts(self, room: int) -> list[list[int]]:
        """Return the columns of each part, as many as fit; the first column stands in each."""
        numeric = [column.numeric for column in self._table.columns]
        least = [each if number else min(each, _SENTENCE) for each, number in zip(self._widths, numeric, strict=True)]
        parts = [[0]]
        for index in range(1, len(least)):
            if len(parts[-1]) > 1 and sum(least[at] + _GAP for at in (*parts[-1], index)) - _GAP > room:
                parts.append([0])
            parts[-1].append(index)
        return parts

    def _rich(self, part: Sequence[int], room: int) -> RichTable:
        made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for index in part:
            column, width = self._table.columns[index], self._widths[index]
            made.add_column(
                "\n".join(textwrap.wrap(column.title, width)),
                justify="right" if column.numeric else "left",
                vertical="bottom",
                overflow="fold",
                width=width if column.numeric and width <= room else None,
            )
        for row in self._table.rows:
            made.add_row(*(Styled(row[at].text + row[at].symbol, "bold" if row[at].best else "") for at in part))
        return made
