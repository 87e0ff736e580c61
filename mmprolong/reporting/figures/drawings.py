"""All figures of an ablation, each as far as there is something to draw; one may be the ablation's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, files_in
from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.heat_map import depth_maps, needle_heat_map
from mmprolong.reporting.figures.scatter import published_against_ours
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures, loss_curves
from mmprolong.reporting.tables.model import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[], "Figure | None"]
"""Draws a figure, None if nothing is there to draw; a file that it needs may be damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigure:
    """A figure that one ablation alone has, and what stands below it."""

    name: str
    caption: str
    figure: "Figure"


def own_figure(runs: Runs) -> OwnFigure | None:
    """Draw what the file in `analysis/figures` draws that is called like the ablation's table; None without one."""
    files, name = files_in(FIGURES), runs.plan.table or runs.plan.ablation
    if name not in files or not runs.results:
        return None
    module = plugins.load_file(files[name], "CAPTION", "draw")
    return OwnFigure(name=name, caption=module.CAPTION, figure=module.draw(runs))


def drawings(store: Path, runs: Runs, table: Table, own: OwnFigure | None) -> dict[str, Drawing]:
    """Return what draws each figure, by the name of its files."""
    return {
        "accuracy": lambda: charts.accuracy_by_length(runs),
        **({own.name: lambda: own.figure} if own else {}),
        "loss": lambda: _loss(store, runs.plan),
        "mixture": lambda: _mixture(store, runs.plan),
        "depth": lambda: needle_heat_map(runs) if depth_maps(runs) else None,
        "agreement": lambda: published_against_ours(table.agreements) if table.agreements else None,
    }


def _loss(store: Path, plan: Plan) -> "Figure | None":
    curves = loss_curves(store, plan)
    return charts.loss_by_tokens(curves, plan.labels) if curves else None


def _mixture(store: Path, plan: Plan) -> "Figure | None":
    mixtures = arm_mixtures(store, plan)
    return charts.mixture_shares(mixtures) if mixtures else None
