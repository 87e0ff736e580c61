"""Maps of evaluation length against the depth of the answer in the document."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from mmprolong.records import Cell, Score
from mmprolong.reporting.figures.charts import INK, new_figure, short
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import Estimate, mean
from mmprolong.reporting.statistics.scores import arm_scores, questions_of
from mmprolong.reporting.tables.model import Column, Table, TableCell

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTHS = 5
"""Rows of a map: equal parts of a document, its beginning on top."""
ACROSS = 3
"""Maps in one row of the figure."""
_PLACE = Cell("", "depth", "")
"""Cell of all questions in one field of a map: their mean is that over questions."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a map."""

    n: int
    """Questions."""
    mean: Estimate
    """Over questions and seeds, with its interval over documents and seeds."""


DepthMap = Mapping[tuple[str, int], Field]
"""(length, part of the document) -> field."""


def depth_maps(
    runs: Runs, depths: int = DEPTHS, counts: Callable[[Score], bool] = lambda _: True
) -> dict[str, DepthMap]:
    """Return the map of each arm that has answers of known depth; means alone do not tell it.

    Args:
        counts: tells the questions of the map.
    """
    found: dict[str, DepthMap] = {}
    for label in runs.plan.labels:
        fields: dict[tuple[str, int], dict[int, list[Score]]] = defaultdict(lambda: defaultdict(list))
        for seed, result in enumerate(runs.of(label)):
            for score in (score for score in result.scores if "depth" in score.facts and counts(score)):
                depth = min(int(float(score.facts["depth"]) * depths), depths - 1)
                named = f"{score.benchmark}/{score.sample}"
                placed = replace(score, sample=named, benchmark="", task=_PLACE.task, length="")
                fields[score.length, depth][seed].append(placed)
        if fields:
            found[label] = {place: _field([*seeds.values()]) for place, seeds in fields.items()}
    return found


def depth_table(maps: Mapping[str, DepthMap], depths: int = DEPTHS) -> Table:
    """Return the maps as a table: a row a field, depths in [0, 1]."""
    placed = [(label, *place, field) for label, found in maps.items() for place, field in found.items()]
    columns = [
        Column.words("arm", (label for label, *_ in placed)),
        Column.words("length", (length for _, length, _, _ in placed)),
        Column.counts("depth_from", (depth / depths for *_, depth, _ in placed)),
        Column.counts("depth_to", ((depth + 1) / depths for *_, depth, _ in placed)),
        Column.counts("n", (field.n for *_, field in placed)),
        Column.of("score", (TableCell.mean(field.mean) for *_, field in placed)),
    ]
    return Table(name="depth", title="Score by length and depth", columns=columns)


def draw_maps(maps: Mapping[str, DepthMap], runs: Runs) -> "Figure":
    """Draw maps side by side, by their titles: lengths from left to right, depth from top to bottom.

    A field has its score [%], the 95 % interval, and the number of its questions.
    """
    import numpy as np

    lengths = [length for length in runs.lengths if any(length == at for found in maps.values() for at, _ in found)]
    columns = min(max(len(maps), 1), ACROSS)
    rows = -(-max(len(maps), 1) // columns)
    width = 0.9 + columns * (0.5 + 0.62 * len(lengths))
    figure, panels = new_figure(width, rows * (0.75 + 0.52 * DEPTHS), columns, rows)
    ends = [f"{100 * depth // DEPTHS}–{100 * (depth + 1) // DEPTHS}" for depth in range(DEPTHS)]
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    for axes, (label, found) in zip(panels, maps.items(), strict=False):
        fields = [[found.get((length, depth)) for length in lengths] for depth in range(DEPTHS)]
        values = [[np.nan if field is None else 100 * field.mean.value for field in row] for row in fields]
        texts = [["-" if field is None else _text(field) for field in row] for row in fields]
        draw_cells(axes, np.array(values), texts, ends, lengths)
        axes.set_title(short(label), fontsize=10, color=INK)
    for axes in panels[::columns]:
        axes.set_ylabel("depth of the evidence [%]", fontsize=9)
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
        colour = "white" if values[row, column] > 60 else INK
        axes.text(column + 0.5, row + 0.5, texts[row][column], ha="center", va="center", fontsize=8, color=colour)
    axes.invert_yaxis()
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
    axes.set_yticks([place + 0.5 for place in range(len(rows))], rows)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.spines[:].set_visible(False)


def _field(seeds: Sequence[Sequence[Score]]) -> Field:
    """Return the field of these scores, a sequence a seed."""
    questions = questions_of(seeds[0], {_PLACE: 1.0})
    return Field(len(questions.names), mean(arm_scores(seeds, questions)))


def _text(field: Field) -> str:
    value, low, high = (f"{100 * number:.0f}" for number in (field.mean.value, field.mean.low, field.mean.high))
    return f"{value}\n{low}–{high}\nn={field.n}"
