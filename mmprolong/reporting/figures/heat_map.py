"""Maps of evaluation length against the depth of the answer in the document."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, TypeVar

from mmprolong.records import Cell, Score
from mmprolong.reporting.figures.charts import INK, new_figure, short
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import mean
from mmprolong.reporting.statistics.scores import ArmScores, arm_scores, questions_of
from mmprolong.reporting.tables.model import Column, Table, TableCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

K = TypeVar("K")
DEPTHS = 5
"""Rows of a map: equal parts of a document, its beginning on top."""
ACROSS = 3
"""Maps in one row of the figure."""
_PLACE = Cell("", "depth", "")
"""Cell of all questions in one field of a map: their mean is that over questions."""
DepthMap = Mapping[tuple[str, int], ArmScores]
"""(length, part of the document) -> the questions there."""


def depth_maps(runs: Runs, counts: Callable[[Score], bool] = lambda _: True) -> dict[str, DepthMap]:
    """Return the map of each arm that has answers of known depth; means alone do not tell it.

    Args:
        counts: tells the questions of the map.
    """
    found: dict[str, DepthMap] = {}
    for label in runs.plan.labels:
        fields: dict[tuple[str, int], dict[int, list[Score]]] = defaultdict(lambda: defaultdict(list))
        for seed, result in enumerate(runs.of(label)):
            for score in (score for score in result.scores if "depth" in score.facts and counts(score)):
                depth = min(int(float(score.facts["depth"]) * DEPTHS), DEPTHS - 1)
                named = f"{score.benchmark}/{score.sample}"
                placed = replace(score, sample=named, benchmark="", task=_PLACE.task, length="")
                fields[score.length, depth][seed].append(placed)
        if fields:
            scores = {place: [*seeds.values()] for place, seeds in fields.items()}
            found[label] = {at: arm_scores(each, questions_of(each[0], {_PLACE: 1.0})) for at, each in scores.items()}
    return found


def depth_table(maps: Mapping[str, DepthMap]) -> Table:
    """Return the maps as a table: a row a field, depths in [0, 1]."""
    placed = [(label, *place, arm) for label, found in maps.items() for place, arm in found.items()]
    columns = [
        Column.words("arm", (label for label, *_ in placed)),
        Column.words("length", (length for _, length, _, _ in placed)),
        Column.counts("depth_from", (depth / DEPTHS for *_, depth, _ in placed)),
        Column.counts("depth_to", ((depth + 1) / DEPTHS for *_, depth, _ in placed)),
        Column.counts("n", (len(arm.questions.names) for *_, arm in placed)),
        Column.of("score", (TableCell.mean(mean(arm)) for *_, arm in placed)),
    ]
    return Table(name="depth", title="Score by length and depth", columns=columns)


def draw_maps(maps: Mapping[str, DepthMap], runs: Runs) -> "Figure":
    """Draw maps side by side, by their titles: lengths from left to right, depth from top to bottom."""
    lengths = [length for length in runs.lengths if any(length == at for found in maps.values() for at, _ in found)]
    columns = min(max(len(maps), 1), ACROSS)
    rows = -(-max(len(maps), 1) // columns)
    width = 0.9 + columns * (0.5 + 0.62 * len(lengths))
    figure, panels = new_figure(width, rows * (0.75 + 0.52 * DEPTHS), columns, rows)
    depths = {depth: f"{100 * depth // DEPTHS}–{100 * (depth + 1) // DEPTHS}" for depth in range(DEPTHS)}
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    for axes, (label, found) in zip(panels, maps.items(), strict=False):
        draw_cells(axes, found, lengths, depths)
        axes.set_title(short(label), fontsize=10, color=INK)
    for axes in panels[::columns]:
        axes.set_ylabel("depth of the evidence [%]", fontsize=9)
    return figure


def draw_cells(
    axes: "Axes", found: Mapping[tuple[str, K], ArmScores], lengths: Sequence[str], rows: Mapping[K, str]
) -> None:
    """Shade a grid of scores; a field has its score [%], the 95 % interval, and the number of its questions.

    Args:
        rows: their titles, the first on top.
    """
    import numpy as np

    shades = np.full((len(rows), len(lengths)), np.nan)
    for (row, key), (column, length) in product(enumerate(rows), enumerate(lengths)):
        text = "-"
        if arm := found.get((length, key)):
            one = mean(arm)
            shades[row, column] = 100 * one.value
            text = f"{100 * one.value:.0f}\n{100 * one.low:.0f}–{100 * one.high:.0f}\nn={len(arm.questions.names)}"
        colour = "white" if shades[row, column] > 60 else INK
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8, color=colour)
    axes.pcolormesh(shades, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=0.6)
    axes.invert_yaxis()
    axes.set_xticks([place + 0.5 for place in range(len(lengths))], lengths)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], list(rows.values()))
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.spines[:].set_visible(False)
