"""Everything that is written about one ablation."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.reporting.figures.charts import save
from mmprolong.reporting.figures.drawings import draw_all
from mmprolong.reporting.report.html import html_report
from mmprolong.reporting.report.wandb_report import markdown_report
from mmprolong.reporting.results.parquet import write_results
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import write_table
from mmprolong.store.atomic import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The files of a written report."""

    folder: Path
    files: tuple[Path, ...]
    html: Path
    """The page that holds all the rest."""


def write_report(runs: Runs, table: Table, store: Path, folder: Path | None = None) -> Report:
    """Write tables, figures, all answers and the HTML page of an ablation as far as it has run.

    Args:
        runs: as they were read from `store`.
        table: theirs.
        folder: where to; by default `reports/<ablation>` in the store.

    Raises:
        ArtifactError: a recorded file is damaged.
        DiskFull: names the file.
        OSError: a file cannot be written.
    """
    folder = folder or store / "reports" / runs.plan.ablation
    drawings = draw_all(runs)
    files = [*write_table(table, folder / "table").values()]
    files += [path for one in drawings for path in save(one.figure, folder / one.name)]
    text = markdown_report(runs, table, [f"{one.name}.png" for one in drawings])
    files += [write_file(folder / "report.md", text), write_results(folder / "items.parquet", runs)]
    html = write_file(folder / "report.html", html_report(store, runs, table, drawings))
    return Report(folder=folder, files=(*files, html), html=html)
