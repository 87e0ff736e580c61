"""The figures of a pool and of a mixture."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmprolong.reporting.figures.charts import COLOURS, FAINT, INK, new_figure, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lengths_histogram(lengths: Counter[int], what: str, unit: str) -> "Figure":
    """Draw how many have which length, a bar for each half doubling.

    Args:
        lengths: number of items by length.
        what: names the items: documents, examples.
        unit: of the lengths: pages, tokens.
    """
    import numpy as np

    figure, (axes,) = new_figure(6.4, 3.0)
    values = np.array(sorted(lengths) or [1])
    low, high = (2 ** (np.floor(np.log2(edge) * 2) / 2) for edge in (values[0], values[-1]))
    edges = 2 ** np.arange(np.log2(low), np.log2(high) + 0.6, 0.5)
    edges[-1] = max(edges[-1], values[-1])
    counts = [lengths[int(value)] for value in values] if lengths else [0]
    axes.hist(values, bins=edges.tolist(), weights=counts, color=COLOURS[0], rwidth=0.92)
    axes.set_xscale("log", base=2)
    ticks = [2**power for power in range(int(np.log2(edges[0])), int(np.ceil(np.log2(edges[-1]))) + 1)]
    axes.set_xticks(ticks, [f"{tick // 1024}K" if tick >= 1024 else str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=unit, ylabel=what, title=f"{lengths.total():,} {what}")
    return figure


def reasons_chart(reasons: Mapping[str, int], title: str) -> "Figure":
    """Draw counts by reason, the most frequent on top."""
    rows = sorted(reasons.items(), key=lambda row: (-row[1], row[0]))
    figure, (axes,) = new_figure(6.4, 0.9 + 0.27 * max(len(rows), 3))
    bars = axes.barh([short(name) for name, _ in rows], [count for _, count in rows], color=COLOURS[1])
    axes.bar_label(bars, [f"{count:,}" for _, count in rows], padding=3, color=INK, fontsize=8.5)
    axes.set_ylim(max(len(rows), 3) - 0.4, -0.6)
    axes.set(title=title, xlim=(0, 1.18 * max([count for _, count in rows], default=1)), xticks=[])
    axes.spines["bottom"].set_visible(False)
    return figure


def mixture_shares(certificate: Mapping[str, Any]) -> "Figure":
    """Draw the share of the tokens that each task of each component has."""
    parts: Mapping[str, Any] = certificate["components"]
    tasks = sorted({task for part in parts.values() for task in part["tasks"]})
    whole = max(certificate["tokens"]["actual"], 1)
    figure, (axes,) = new_figure(6.4, 1.5 + 0.4 * len(parts))
    left = dict.fromkeys(parts, 0.0)
    for number, task in enumerate(tasks):
        shares = {name: 100 * part["tasks"].get(task, {"actual": 0})["actual"] / whole for name, part in parts.items()}
        names, colour = list(parts), COLOURS[number % len(COLOURS)]
        begins = [left[name] for name in names]
        bars = axes.barh(list(map(short, names)), list(shares.values()), left=begins, color=colour, label=task)
        texts = [f"{share:.0f} %" if share >= 4 else "" for share in shares.values()]
        axes.bar_label(bars, texts, label_type="center", fontsize=8.5, color="white")
        left = {name: left[name] + shares[name] for name in names}
    axes.invert_yaxis()
    axes.set(xlabel="share of the training tokens [%]", title=f"{certificate['tokens']['actual']:,} tokens")
    legend: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "frameon": False, "labelcolor": INK}
    figure.legend(**legend)
    return figure


def mixture_lengths(certificate: Mapping[str, Any]) -> "Figure":
    """Draw the share of its tokens that each component has in its length bins, beside what was asked for."""
    parts: Mapping[str, Any] = certificate["components"]
    figure, panels = new_figure(6.4, 0.4 + 2.2 * len(parts), 1, len(parts))
    for axes, (name, part) in zip(panels, parts.items(), strict=True):
        labels = [f"{_short(bin_['from'])}–{_short(bin_['to'])}" for bin_ in part["lengths"]]
        _draw_pairs(axes, labels, [[100 * bin_[key] for bin_ in part["lengths"]] for key in ("target_share", "share")])
        axes.set(title=f"{short(name)}: {part['examples']:,} examples", ylabel="share [%]")
    panels[-1].set_xlabel("tokens of an example")
    return figure


def _short(tokens: int) -> str:
    return f"{tokens // 1024}K" if tokens >= 10_240 else str(tokens)


def _draw_pairs(axes: Any, labels: Sequence[str], heights: Sequence[Sequence[float]]) -> None:
    for number, (name, colour) in enumerate((("asked for", FAINT), ("drawn", COLOURS[0]))):
        places = [place + 0.4 * number - 0.2 for place in range(len(labels))]
        axes.bar(places, heights[number], width=0.38, color=colour, label=name)
    axes.set_xticks(range(len(labels)), labels, fontsize=8.5)
    axes.legend(frameon=False, labelcolor=INK, fontsize=8.5, loc="center left", bbox_to_anchor=(1, 0.5))
