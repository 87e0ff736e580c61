"""The figure that an ablation has of its own: a file in analysis/figures that is called like its table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmprolong import plugins
from mmprolong.choices import root
from mmprolong.reporting.sources.runs import Runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigure:
    """A drawn figure and what stands below it."""

    name: str
    caption: str
    figure: "Figure"


def own_figure(runs: Runs) -> OwnFigure | None:
    """The ablation's own figure of the runs that are finished; None where it has none, or nothing is finished."""
    folder, name = root("analysis") / "figures", runs.plan.table or runs.plan.ablation
    if name not in plugins.names(folder) or not runs.results:
        return None
    module = plugins.load_file(folder, name, "figure")
    return OwnFigure(name=name, caption=module.CAPTION, figure=module.draw(runs))
