"""The figure that an ablation has of its own: a file in analysis/figures that is called like its table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, files_in
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
    files, name = files_in(FIGURES), runs.plan.table or runs.plan.ablation
    if name not in files or not runs.results:
        return None
    module = plugins.load_file(files[name], "CAPTION", "draw")
    return OwnFigure(name=name, caption=module.CAPTION, figure=module.draw(runs))
