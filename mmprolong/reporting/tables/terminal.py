"""A `Table` on the terminal: no number is cut; columns without room stand below, behind the rows' names."""

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


class TerminalTable:
    """A table in as many parts as it needs to fit the terminal."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self._table.title, style="bold")
        part, room = [0], options.max_width
        for index in range(1, len(self._table.columns)):
            wider = _part(self._table, [*part, index], room)
            if len(part) > 1 and console.measure(wider, options=options.update(max_width=10_000)).minimum > room:
                yield _part(self._table, part, room)
                part = [0]
            part.append(index)
        yield _part(self._table, part, room)
        yield Text("\n".join(self._table.notes), style="dim")


def _part(table: Table, part: Sequence[int], room: int) -> RichTable:
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for index in part:
        column = table.columns[index]
        longest = max((cell_len(row[index].text + row[index].symbol) for row in table.rows), default=0)
        whole = longest <= room and (column.numeric or longest <= _SENTENCE)
        made.add_column(
            "\n".join(textwrap.wrap(column.title, max(min(longest, _SENTENCE), 12), break_long_words=False)),
            justify="right" if column.numeric else "left",
            vertical="bottom",
            overflow="fold",
            no_wrap=whole,
            min_width=None if whole or column.numeric else _SENTENCE,
        )
    for row in table.rows:
        made.add_row(*(Styled(row[at].text + row[at].symbol, "bold" if row[at].best else "") for at in part))
    return made
