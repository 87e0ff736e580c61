"""Train length against evaluation length, as a map."""

from typing import TYPE_CHECKING

from mmprolong.reporting.figures.charts import COLOURS, new_figure, short
from mmprolong.reporting.figures.heat_map import draw_cells
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import estimates_by_length
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.published import decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTION = (
    "Score [%] by length of training and length of evaluation, with its 95 % interval. "
    "Framed: the longest length that the row was trained on."
)


def draw(runs: Runs) -> "Figure":
    """One row an arm, one column a length of the evaluation."""
    import numpy as np

    labels, lengths = runs.plan.labels, runs.lengths
    points = estimates_by_length(runs)
    found = [[points[label].get(length) for length in lengths] for label in labels]
    shades = [[np.nan if one is None else 100 * one.value for one in row] for row in found]
    figure, (axes,) = new_figure(1.4 + 0.85 * len(lengths), 0.9 + 0.46 * len(labels))
    draw_cells(
        axes, np.array(shades), [[_text(one) for one in row] for row in found], list(map(short, labels)), lengths
    )
    axes.set(xlabel="length of evaluation", ylabel="length of training")
    for place, label in enumerate(labels):
        _frame(axes, runs, label, place)
    return figure


def _text(found: Estimate | None) -> str:
    if found is None:
        return "-"
    value, low, high = (decimal(100 * number) for number in (found.value, found.low, found.high))
    return f"{value}\n{low}–{high}"


def _frame(axes: "Axes", runs: Runs, label: str, place: int) -> None:
    from matplotlib.patches import Rectangle

    point = runs.plan.of(label)[0]
    trained = point.config["suite"].get("trained")
    if runs.plan.own_phases(point) and trained in runs.lengths:
        corner = runs.lengths.index(trained), place
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=2.2, clip_on=False))
