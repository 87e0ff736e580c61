"""Everything that is written about one ablation: tables, figures, all answers, and the page that holds them."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mmprolong import plugins
from mmprolong.config.groups import FIGURES, files_in
from mmprolong.reporting.figures.charts import accuracy_by_length, inline_svg, save
from mmprolong.reporting.figures.heat_map import depth_maps, depth_table, draw_maps
from mmprolong.reporting.report.html import html_report
from mmprolong.reporting.results.items import FILE, write_items
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import to_csv, write_table
from mmprolong.store.atomic import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACCURACY = (
    "Accuracy against context length. Bands: 95 % intervals over documents, and over seeds once an arm has two. "
    "Shaded: lengths that training covers. Dashed: the model before training. Thick: the baseline."
)
DEPTH = (
    "Score [%] by context length and by where in the document the first evidence stands: 0 is its beginning. Below "
    "each score its 95 % interval and the number of questions; the numbers are in depth.csv."
)


class NamedFigure(NamedTuple):
    """A figure, its caption, and the name of its files."""

    name: str
    caption: str
    figure: "Figure"


def write_report(runs: Runs, table: Table, store: Path) -> Path:
    """Write the report of an ablation as far as it has run, to `reports/<ablation>` in the store; returns its page.

    Args:
        runs: as they were read from `store`.
        table: theirs.

    Raises:
        ArtifactError: a recorded file is damaged.
        DiskFull, OSError: a file cannot be written.
    """
    folder = store / "reports" / runs.plan.ablation
    maps = depth_maps(runs)
    drawings = [NamedFigure("accuracy", ACCURACY, accuracy_by_length(runs))]
    if own := own_drawing(runs):
        drawings.insert(0, own)
    if maps:
        drawings.append(NamedFigure("depth", DEPTH, draw_maps(maps, runs)))
    write_table(table, folder / "table")
    for one in drawings:
        save(one.figure, folder / one.name)
    if maps:
        write_file(folder / "depth.csv", to_csv(depth_table(maps)).encode())
    write_items(folder / FILE, runs)
    figures = [(inline_svg(one.figure, one.name), one.caption) for one in drawings]
    return write_file(folder / "report.html", html_report(store, runs, table, figures))


def own_drawing(runs: Runs) -> NamedFigure | None:
    """Draw the figure of the file in `analysis/figures` that is called like the ablation's table; None without one."""
    files, name = files_in(FIGURES), runs.plan.table or runs.plan.ablation
    if name not in files or not runs.results:
        return None
    module = plugins.load_file(files[name], "CAPTION", "draw")
    return NamedFigure(name, module.CAPTION, module.draw(runs))
