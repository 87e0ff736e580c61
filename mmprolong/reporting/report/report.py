"""Everything that is written about one ablation."""

from dataclasses import dataclass
from pathlib import Path

from mmprolong.artifacts import write_whole
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.heat_map import needle_heat_map
from mmprolong.reporting.figures.own_figure import own_figure
from mmprolong.reporting.figures.scatter import published_against_ours
from mmprolong.reporting.report.html import html_report
from mmprolong.reporting.report.wandb_report import markdown_report
from mmprolong.reporting.sources.items import Item, write_items
from mmprolong.reporting.sources.losses import loss_curves
from mmprolong.reporting.sources.mixtures import arm_mixtures
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.files import write_table
from mmprolong.reporting.tables.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was written."""

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
        ArtifactError: a certificate or log of a run is damaged.
        OSError: a file cannot be written.
    """
    folder = folder or store / "reports" / runs.plan.ablation
    files = [*write_table(table, folder / "table").values()]
    drawn = _figures(store, runs, table, folder)
    shown = [path.name for path in drawn if path.suffix == ".png"]
    files += [*drawn, write_whole(folder / "report.md", markdown_report(runs, table, shown))]
    items = {step: Item(result=result) for step, result in runs.results.items()}
    files.append(write_items(folder / "items.parquet", runs.plan, items))
    html = write_whole(folder / "report.html", html_report(store, runs, table))
    return Report(folder=folder, files=(*files, html), html=html)


def _figures(store: Path, runs: Runs, table: Table, folder: Path) -> list[Path]:
    drawn = {"accuracy": charts.accuracy_by_length(runs)}
    if own := own_figure(runs):
        drawn[own.name] = own.figure
    if curves := loss_curves(store, runs.plan):
        drawn["loss"] = charts.loss_by_tokens(curves, runs.plan.labels)
    if mixtures := arm_mixtures(store, runs.plan):
        drawn["mixture"] = charts.mixture_shares(mixtures)
    if any(result.scores for result in runs.results.values()):
        drawn["depth"] = needle_heat_map(runs)
    if table.agreements:
        drawn["agreement"] = published_against_ours(table.agreements)
    return [path for name, figure in drawn.items() for path in charts.save(figure, folder / name)]
