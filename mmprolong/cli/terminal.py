"""The terminal of all commands: text from outside is shown as it is, and never obeyed."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from mmprolong.records import Reject

_VISIBLE = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
"""Pictures of control characters, such as `␛`: one character each, so that styles keep their places."""
_PIPE = 10_000
"""Width where the output is no terminal [characters]: no table is cut or folded."""
_BAR = 32
"""Longest bar of a histogram [characters]."""
_NAMED = 4
"""Things that are named for each reason of a reject."""


def visible(text: str) -> str:
    """Return `text` with pictures for control characters; `Text` drops some."""
    return text.translate(_VISIBLE)


class Terminal(Console):
    """Brackets are no markup, `:fire:` is no emoji, and no control character reaches the terminal from any text."""

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _PIPE

    def say(self, text: str | Text, style: str = "") -> None:
        """Print one line, however long."""
        self.print(text, style=style, soft_wrap=True)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return a string as styled text."""
        return super().render_str(visible(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render whatever is printed, and each of its parts."""
        if isinstance(renderable, Text):
            renderable = renderable.copy()
            renderable.plain = visible(renderable.plain)
        return super().render(renderable, options)


def print_written(console: Terminal, what: str, write: Callable[[], Path]) -> None:
    """Write, and say where; a store that may not be written ends no command, since the results are printed."""
    try:
        console.say(f"{what}: {write()}")
    except OSError as error:
        Terminal(stderr=True).say(f"{what} not written: {error}", "yellow")


def print_json(content: Any) -> None:
    """Print one JSON document for programs; a number that is none is null."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], text: Sequence[str] = ()) -> Table:
    """Return a table whose first column, and those named in `text`, are words; the others are numbers."""
    built = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, title_style="bold", padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        words = index == 0 or column in text
        built.add_column(column, justify="left" if words else "right", overflow="fold", no_wrap=not words or index == 0)
    for row in rows:
        built.add_row(*(number(cell) if isinstance(cell, (int, float)) else str(cell) for cell in row))
    return built


def number(value: float) -> str:
    """Return '12,345' or '0.123'."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def histogram(title: str, unit: str, values: Mapping[int, int]) -> Table:
    """Count how many of the values, each so often, lie in each doubling, with a bar."""
    counts: Counter[int] = Counter()
    for value, number in values.items():
        counts[max(value, 1).bit_length() - 1] += number
    spans = range(min(counts, default=0), max(counts, default=-1) + 1)
    most = max(counts.values(), default=1)
    rows = [(span(1 << power, 2 << power), counts[power], "█" * round(_BAR * counts[power] / most)) for power in spans]
    return table(title, (unit, "number", ""), rows, text=("",))


def span(low: int, high: int) -> str:
    """Name the whole numbers from `low` to below `high`."""
    if high >= 2**62:
        return "any"
    return f"{low:,}" if high == low + 1 else f"{low:,} to {high - 1:,}"


def rejects_table(rejects: Iterable[Reject], title: str = "refused") -> RenderableType:
    """Count rejects by reason, with the first few that each reason struck."""
    counts, named = Counter[str](), defaultdict[str, dict[str, None]](dict)
    for reject in rejects:
        counts[reject.reason] += 1
        if len(named[reject.reason]) < _NAMED:
            named[reject.reason][reject.what] = None
    rows = [(reason, count, ", ".join(named[reason])) for reason, count in counts.items()]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return table(title, ("reason", "number", "for example"), rows, text=("for example",)) if rows else f"{title}: none"
