"""Everything that is written about one ablation."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.drawings import drawings, own_figure
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
        ArtifactError: a certificate is damaged.
        DiskFull: names the file.
        OSError: a file cannot be written.
    """
    folder = folder or store / "reports" / runs.plan.ablation
    files = [*write_table(table, folder / "table").values()]
    drawn = _figures(runs, folder)
    shown = [path.name for path in drawn if path.suffix == ".png"]
    files += [*drawn, write_file(folder / "report.md", markdown_report(runs, table, shown))]
    files.append(write_results(folder / "items.parquet", runs))
    html = write_file(folder / "report.html", html_report(store, runs, table))
    return Report(folder=folder, files=(*files, html), html=html)


def _figures(runs: Runs, folder: Path) -> list[Path]:
    found = ((name, draw()) for name, draw in drawings(runs, own_figure(runs)).items())
    return [path for name, figure in found if figure for path in charts.save(figure, folder / name)]
