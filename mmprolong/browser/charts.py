"""The figures of a pool and of a mixture: a bar a row, with its number beside it."""

from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from mmprolong.reporting.figures.charts import COLOURS, INK, new_figure, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bar = tuple[str, float, str]
"""Name, length, and the text beside it."""
_EDGES = sorted({ceil(2 ** (half / 2)) for half in range(80)})
"""Of the rows of a histogram: half doublings."""


def bar_chart(title: str, bars: Sequence[Bar]) -> "Figure":
    """Draw the bars, the first on top."""
    lengths, room, places = [length for _, length, _ in bars], max(len(bars), 3), range(len(bars))
    figure, (axes,) = new_figure(6.4, 0.9 + 0.27 * room)
    drawn = axes.barh(places, lengths, color=COLOURS[0])
    axes.bar_label(drawn, [text for *_, text in bars], padding=3, color=INK, fontsize=8.5)
    axes.set_yticks(places, [short(name) for name, *_ in bars])
    axes.set(title=title, ylim=(room - 0.4, -0.6), xlim=(0, 1.4 * max(lengths, default=1)), xticks=[])
    axes.spines["bottom"].set_visible(False)
    return figure


def counts_chart(title: str, counts: Mapping[str, int]) -> "Figure":
    """Draw counts, the largest on top."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return bar_chart(title, [(name, count, f"{count:,}") for name, count in rows])


def lengths_histogram(lengths: Mapping[int, int], what: str, unit: str) -> "Figure":
    """Draw how many of the items have which length (number by length), a bar for each half doubling."""
    counts: Counter[int] = Counter()
    for length, number in lengths.items():
        counts[bisect(_EDGES, max(length, 1))] += number
    rows = range(min(counts, default=1), max(counts, default=1) + 1)
    bars = [(f"{_span(_EDGES[at - 1], _EDGES[at])} {unit}", counts[at], f"{counts[at]:,}") for at in rows]
    return bar_chart(f"{counts.total():,} {what}", bars)


def mixture_shares(certificate: Mapping[str, Any]) -> "Figure":
    """Draw the share of the training tokens that each task of each component has."""
    tokens, parts = certificate["tokens"]["actual"], certificate["components"].items()
    tasks = [(f"{name}, {task}", drawn["actual"]) for name, part in parts for task, drawn in part["tasks"].items()]
    bars = [(name, actual, f"{actual / max(tokens, 1):.1%}") for name, actual in tasks]
    return bar_chart(f"share of {tokens:,} training tokens", bars)


def mixture_lengths(certificate: Mapping[str, Any]) -> "Figure":
    """Draw the share of its tokens that each component has in its length bins, beside what was asked for."""
    bins = [(name, one) for name, part in certificate["components"].items() for one in part["lengths"]]
    texts = [f"{one['share']:.1%}, asked for {one['target_share']:.1%}" for _, one in bins]
    names = [f"{name}, {_span(one['from'], one['to'])}" for name, one in bins]
    bars = list(zip(names, (one["share"] for _, one in bins), texts, strict=True))
    return bar_chart("share of the tokens, by tokens of an example", bars)


def _span(low: int, high: int) -> str:
    return f"{low:,}" if high == low + 1 else f"{low:,}–{high - 1:,}"
