"""Needles by task: score by context length and depth of the needle, a map for each arm and task."""

from typing import TYPE_CHECKING

from mmprolong.reporting.figures.heat_map import depth_maps, draw_maps
from mmprolong.reporting.results.runs import Runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION = (
    "Score [%] by context length and by depth of the needle, 0 is the beginning, for each arm and task. Below each "
    "score its 95 % interval over documents and seeds, and the number of questions."
)


def draw(runs: Runs) -> "Figure":
    """Draw a map for each task of each arm."""
    tasks = sorted({cell.task for cell in runs.cells})
    maps = {task: depth_maps(runs, counts=lambda score, task=task: score.task == task) for task in tasks}
    return draw_maps({f"{arm}, {task}": found for task in tasks for arm, found in maps[task].items()}, runs)
