"""The figures of a report, each as far as there is something to draw."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.heat_map import needle_heat_map
from mmprolong.reporting.figures.own_figure import OwnFigure
from mmprolong.reporting.figures.scatter import published_against_ours
from mmprolong.reporting.sources.losses import loss_curves
from mmprolong.reporting.sources.mixtures import arm_mixtures
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.model import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[], "Figure | None"]
"""Draws a figure, None if nothing is there to draw; a file that it needs may be damaged."""


def drawings(store: Path, runs: Runs, table: Table, own: OwnFigure | None) -> dict[str, Drawing]:
    """What draws each figure, by the name of its files.

    Args:
        own: the one that the ablation alone has.
    """
    return {
        "accuracy": lambda: charts.accuracy_by_length(runs),
        **({own.name: lambda: own.figure} if own else {}),
        "loss": lambda: _loss(store, runs.plan),
        "mixture": lambda: _mixture(store, runs.plan),
        "depth": lambda: _depth(runs),
        "agreement": lambda: published_against_ours(table.agreements) if table.agreements else None,
    }


def _loss(store: Path, plan: Plan) -> "Figure | None":
    curves = loss_curves(store, plan)
    return charts.loss_by_tokens(curves, plan.labels) if curves else None


def _mixture(store: Path, plan: Plan) -> "Figure | None":
    mixtures = arm_mixtures(store, plan)
    return charts.mixture_shares(mixtures) if mixtures else None


def _depth(runs: Runs) -> "Figure | None":
    """Means alone do not tell where the answers stand."""
    return needle_heat_map(runs) if any(result.scores for result in runs.results.values()) else None
