"""The figures of an ablation with their captions, as far as there is something to draw; one may be its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, files_in
from mmprolong.reporting.figures.charts import accuracy_by_length
from mmprolong.reporting.figures.heat_map import depth_maps, needle_heat_map
from mmprolong.reporting.results.runs import Runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACCURACY = (
    "Accuracy against context length. Bands: 95 % intervals over documents, and over seeds once an arm has two. "
    "Shaded: lengths that training covers. Dashed: the model before training. Thick: the baseline."
)
DEPTH = "Score [%] by context length and by where in the document the first evidence stands: 0 is its beginning."


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure, its caption, and the name of its files."""

    name: str
    caption: str
    figure: "Figure"


def own_drawing(runs: Runs) -> Drawing | None:
    """Draw the figure of the file in `analysis/figures` that is called like the ablation's table; None without one."""
    files, name = files_in(FIGURES), runs.plan.table or runs.plan.ablation
    if name not in files or not runs.results:
        return None
    module = plugins.load_file(files[name], "CAPTION", "draw")
    return Drawing(name=name, caption=module.CAPTION, figure=module.draw(runs))


def draw_all(runs: Runs) -> list[Drawing]:
    """Draw the ablation's own figure, accuracy by length, and needles by depth where their places are known."""
    own = own_drawing(runs)
    drawn = [*([own] if own else []), Drawing(name="accuracy", caption=ACCURACY, figure=accuracy_by_length(runs))]
    if depth_maps(runs):
        drawn.append(Drawing(name="depth", caption=DEPTH, figure=needle_heat_map(runs)))
    return drawn
