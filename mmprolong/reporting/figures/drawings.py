"""All figures of an ablation, each as far as there is something to draw; one may be the ablation's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, files_in
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.heat_map import depth_maps, needle_heat_map
from mmprolong.reporting.results.runs import Runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[], "Figure | None"]
"""Draws a figure, None if nothing is there to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigure:
    """A figure that one ablation alone has, and its caption."""

    name: str
    caption: str
    figure: "Figure"


def own_figure(runs: Runs) -> OwnFigure | None:
    """Draw the figure of the file in `analysis/figures` that is called like the ablation's table; None without one."""
    files, name = files_in(FIGURES), runs.plan.table or runs.plan.ablation
    if name not in files or not runs.results:
        return None
    module = plugins.load_file(files[name], "CAPTION", "draw")
    return OwnFigure(name=name, caption=module.CAPTION, figure=module.draw(runs))


def drawings(runs: Runs, own: OwnFigure | None) -> dict[str, Drawing]:
    """Return the function that draws each figure, by the name of its files."""
    return {
        "accuracy": lambda: charts.accuracy_by_length(runs),
        **({own.name: lambda: own.figure} if own else {}),
        "depth": lambda: needle_heat_map(runs) if depth_maps(runs) else None,
    }
