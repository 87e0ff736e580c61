"""Tables and numbers as every command prints them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mmprolong.records import Reject

_BAR = 32
"""Longest bar of a histogram [characters]."""
_SHOWN = 4
"""Files that are named for each reason of a reject."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], text: Sequence[str] = ()) -> Table:
    """A table whose first column, and those named in `text`, are words; the others are numbers."""
    built = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, title_style="bold", padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        words = index == 0 or column in text
        built.add_column(column, justify="left" if words else "right", overflow="fold", no_wrap=not words or index == 0)
    for row in rows:
        built.add_row(*(number(cell) if isinstance(cell, (int, float)) else str(cell) for cell in row))
    return built


def number(value: float) -> str:
    """'12,345' or '0.123'."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def histogram(title: str, unit: str, values: Iterable[int]) -> Table:
    """How many of `values` lie in each doubling, with a bar."""
    counts = Counter(max(value, 1).bit_length() - 1 for value in values)
    spans = range(min(counts, default=0), max(counts, default=-1) + 1)
    most = max(counts.values(), default=1)
    rows = [(span(1 << power, 2 << power), counts[power], "█" * round(_BAR * counts[power] / most)) for power in spans]
    return table(title, (unit, "number", ""), rows, text=("",))


def span(low: int, high: int) -> str:
    """The whole numbers from `low` to below `high`."""
    if high >= 2**62:
        return "any"
    return f"{low:,}" if high == low + 1 else f"{low:,} to {high - 1:,}"


def rejects_table(rejects: Iterable[Reject]) -> Table | None:
    """Reasons with their number and the first few that they struck; None if nothing was refused."""
    by_reason: Mapping[str, list[str]] = defaultdict(list)
    for reject in rejects:
        by_reason[reject.reason].append(reject.what)
    if not by_reason:
        return None
    ranked = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [(reason, len(struck), _first(struck)) for reason, struck in ranked]
    return table("refused", ("reason", "number", "what"), rows, text=("what",))


def _first(struck: Sequence[str]) -> str:
    different = list(dict.fromkeys(struck))
    more = f", and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    return ", ".join(different[:_SHOWN]) + more
