"""A `Table` as wide as the terminal: no number is cut, and every part says which row is which."""

import textwrap
from collections.abc import Callable

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.styled import Styled
from rich.table import Table as RichTable
from rich.text import Text

from mmprolong.reporting.tables.table import Table

_NARROW = 24
"""Text longer than this is a sentence: it may be broken into lines of this width [characters]."""


class Fitting:
    """A table that is split until it fits the terminal: by its groups, and what is still too wide by its columns."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        def fits(part: list[int], narrow: int | None = _NARROW) -> bool:
            made = _rich_part(self._table, part, narrow=narrow)
            return Measurement.get(console, options.update(max_width=10_000), made).maximum <= options.max_width

        every = list(range(len(self._table.columns)))
        groups = [every] if fits(every, None) else _by_group(self._table)
        yield Text(self._table.title, style="bold")
        for part in (piece for group in groups for piece in _pieces(group, fits)):
            yield _rich_part(self._table, part, cut=not fits(part))
        yield Text("\n".join(self._table.footnotes), style="dim")


def _by_group(table: Table) -> list[list[int]]:
    """Columns of each part: ungrouped ones with the first group, then what names the row with each other."""
    groups = list(dict.fromkeys(column.group for column in table.columns if column.group))
    first = [index for index, column in enumerate(table.columns) if column.group in ("", *groups[:1])]
    rest = [[index for index, column in enumerate(table.columns) if column.group == group] for group in groups[1:]]
    names = [index for index in first if not table.columns[index].group and not table.columns[index].numeric] or [0]
    return [first, *([*names, *part] for part in rest)]


def _pieces(part: list[int], fits: Callable[[list[int]], bool]) -> list[list[int]]:
    """As many columns as fit in each piece, at least one beside the first, which all have."""
    pieces = [part[:1]]
    for index in part[1:]:
        if len(pieces[-1]) == 1 or fits([*pieces[-1], index]):
            pieces[-1].append(index)
        else:
            pieces.append([part[0], index])
    return pieces


def _rich_part(table: Table, indices: list[int], narrow: int | None = None, cut: bool = False) -> RichTable:
    """Some columns.

    Args:
        narrow: the width to which sentences are broken; None: as wide as there is room for.
        cut: whether every cell may be broken into lines, and not sentences alone.
    """
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for index in indices:
        column = table.columns[index]
        width = max((cell_len(row[index].text + row[index].mark) for row in table.rows), default=0)
        sentences = not column.numeric and width > _NARROW
        made.add_column(
            _heading(column.flat or column.title, width),
            justify="right" if column.numeric else "left",
            vertical="bottom",
            overflow="fold",
            no_wrap=not sentences and not cut,
            max_width=narrow if sentences else None,
        )
    for row in table.rows:
        cells = (row[index] for index in indices)
        made.add_row(*(Styled(cell.text + cell.mark, "bold" if cell.best else "") for cell in cells))
    return made


def _heading(title: str, width: int) -> str:
    """Broken after its first word, and where it is wider than the cells below it."""
    return "\n".join(
        line for part in title.split(" ", 1) for line in textwrap.wrap(part, max(width, 12), break_long_words=False)
    )
