"""Score against tokens of long-context training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mmprolong.reporting.figures.charts import COLOURS, FAINT, INK, new_figure
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import estimates, estimates_by_length
from mmprolong.reporting.statistics.intervals import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTION = (
    "Score against tokens of long-context training, each budget with its own full schedule. Thick: the headline score "
    "with its 95 % band; thin: the lengths of the evaluation. At 0: the model before training."
)
Curve = Mapping[int, Estimate]
"""Tokens -> score."""


def draw(runs: Runs) -> "Figure":
    """A line for the headline score and one for each length of the evaluation."""
    tokens = {label: _tokens(runs, label) for label in runs.plan.labels}
    overall = {tokens[label]: mean for label, mean in estimates(runs, runs.average).items()}
    single = estimates_by_length(runs)
    figure, (axes,) = new_figure(7.6, 4.4)
    zero = min(number for number in tokens.values() if number) / 2
    for length, colour in zip(runs.lengths, COLOURS[1:], strict=False):
        curve = {tokens[label]: row[length] for label, row in single.items() if length in row}
        _draw_curve(axes, curve, zero, length, colour)
    _draw_curve(axes, overall, zero, "overall", COLOURS[0], band=True)
    _draw_axis(axes, sorted(set(tokens.values())), zero)
    figure.legend(loc="outside right upper", frameon=False, labelcolor=INK)
    return figure


def _tokens(runs: Runs, label: str) -> int:
    return runs.plan.of(label)[0].config["phases"]["longpt"]["mixture"]["tokens"]


def _draw_curve(axes: "Axes", curve: Curve, zero: float, label: str, colour: str, band: bool = False) -> None:
    x = [tokens or zero for tokens in sorted(curve)]
    low, middle, high = ([100 * getattr(curve[one], end) for one in sorted(curve)] for end in ("low", "value", "high"))
    if band:
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, middle, color=colour, marker="o", markersize=3.5, linewidth=2.4 if band else 1.1, label=label)


def _draw_axis(axes: "Axes", budgets: Sequence[int], zero: float) -> None:
    """Logarithmic, with a place for the model before training."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(
        [tokens or zero for tokens in budgets], [f"{tokens // 1024}K" if tokens else "0" for tokens in budgets]
    )
    axes.minorticks_off()
    axes.set(xlabel="tokens of long-context training (K = 1,024)", ylabel="accuracy [%]", ylim=(0, 102))
    axes.axvline(zero * 2**0.5, color=FAINT, linewidth=0.9, linestyle=":")
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
