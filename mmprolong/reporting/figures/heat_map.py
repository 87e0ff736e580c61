"""Maps of evaluation length against the depth of the answer in the document."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import TYPE_CHECKING

from mmprolong.reporting.figures.charts import INK, new_figure, short
from mmprolong.reporting.results.runs import Runs

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTHS = 5
"""Rows of a map: equal parts of a document, its beginning on top."""
ACROSS = 3
"""Maps in one row of the figure."""
DARK = "#15171a"
"""Text on light cells; unlike the ink of a report it does not follow the page's colour."""

DepthMap = Mapping[tuple[str, int], float]
"""(length, part of the document) -> mean score over questions and seeds, in [0, 1]."""


def depth_maps(runs: Runs, depths: int = DEPTHS) -> dict[str, DepthMap]:
    """Return the map of each arm that has answers of known depth; means alone do not tell it."""
    found: dict[str, DepthMap] = {}
    for label in runs.plan.labels:
        cells: dict[tuple[str, int], list[float]] = defaultdict(list)
        for score in (score for result in runs.of(label) for score in result.scores if "depth" in score.facts):
            cells[score.length, min(int(float(score.facts["depth"]) * depths), depths - 1)].append(score.value)
        if cells:
            found[label] = {cell: fmean(values) for cell, values in cells.items()}
    return found


def needle_heat_map(runs: Runs) -> "Figure":
    """Draw a map for each arm that has one: lengths from left to right, depth from top to bottom, score [%]."""
    maps = depth_maps(runs)
    lengths = [length for length in runs.lengths if any(length == at for found in maps.values() for at, _ in found)]
    columns = min(max(len(maps), 1), ACROSS)
    rows = -(-max(len(maps), 1) // columns)
    width = 0.9 + columns * (0.5 + 0.42 * len(lengths))
    figure, panels = new_figure(width, rows * (0.75 + 0.3 * DEPTHS), columns, rows)
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    for place, (label, found) in enumerate(maps.items()):
        _draw(panels[place], found, lengths)
        panels[place].set_title(short(label), fontsize=10, color=INK)
        if place % columns == 0:
            panels[place].set_ylabel("depth of the evidence [%]", fontsize=9)
        else:
            panels[place].set_yticklabels([])
    return figure


def draw_cells(
    axes: "Axes", values: "np.ndarray", texts: Sequence[Sequence[str]], rows: Sequence[str], columns: Sequence[str]
) -> None:
    """Shade and label a grid of scores [%]; the first row on top, cells that are not a number left white.

    Args:
        values: (rows, columns).
        texts: printed in the cells.
    """
    axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=0.6)
    for row, column in product(range(len(rows)), range(len(columns))):
        colour = "white" if values[row, column] > 60 else DARK
        axes.text(column + 0.5, row + 0.5, texts[row][column], ha="center", va="center", fontsize=8.5, color=colour)
    axes.invert_yaxis()
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.spines[:].set_visible(False)


def _draw(axes: "Axes", found: DepthMap, lengths: Sequence[str]) -> None:
    import numpy as np

    rows = [[100 * found.get((length, depth), np.nan) for length in lengths] for depth in range(DEPTHS)]
    texts = [["-" if np.isnan(value) else f"{value:.0f}" for value in row] for row in rows]
    ends = [f"{100 * depth // DEPTHS}–{100 * (depth + 1) // DEPTHS}" for depth in range(DEPTHS)]
    draw_cells(axes, np.array(rows), texts, ends, lengths)
