"""Train length against evaluation length, as a map."""

from typing import TYPE_CHECKING

from mmprolong.reporting.figures.charts import COLOURS, new_figure, short
from mmprolong.reporting.figures.heat_map import draw_cells
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import arms_of, average_at_lengths

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAPTION = (
    "Score [%] by length of training and length of evaluation, its 95 % interval, and the number of its questions. "
    "Framed: the longest length that the row was trained on."
)


def draw(runs: Runs) -> "Figure":
    """One row an arm, one column a length of the evaluation."""
    labels, lengths = runs.plan.labels, runs.lengths
    arms = {length: arms_of(runs, average_at_lengths(runs, [length])) for length in lengths}
    found = {(length, label): arm for length, rows in arms.items() for label, arm in rows.items()}
    figure, (axes,) = new_figure(1.4 + 0.85 * len(lengths), 0.9 + 0.52 * len(labels))
    draw_cells(axes, found, lengths, {label: short(label) for label in labels})
    axes.set(xlabel="length of evaluation", ylabel="length of training")
    for place, label in enumerate(labels):
        _frame(axes, runs, label, place)
    return figure


def _frame(axes: "Axes", runs: Runs, label: str, place: int) -> None:
    from matplotlib.patches import Rectangle

    point = runs.plan.of(label)[0]
    trained = point.config["suite"].get("trained")
    if runs.plan.own_phases(point) and trained in runs.lengths:
        corner = runs.lengths.index(trained), place
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=2.2, clip_on=False))
