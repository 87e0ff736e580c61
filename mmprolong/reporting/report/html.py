"""The report as one HTML file that needs nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmprolong import __version__
from mmprolong.errors import MMProLongError
from mmprolong.html import render
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.heat_map import needle_heat_map
from mmprolong.reporting.figures.own_figure import own_figure
from mmprolong.reporting.figures.scatter import published_against_ours
from mmprolong.reporting.report import examples
from mmprolong.reporting.report.provenance import provenance
from mmprolong.reporting.report.settings_shown import changes, complete
from mmprolong.reporting.sources.losses import loss_curves
from mmprolong.reporting.sources.mixtures import arm_mixtures
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.digits import signed
from mmprolong.reporting.tables.render import to_html
from mmprolong.reporting.tables.table import Table

TEMPLATE = "report.html.j2"


def html_report(store: Path, runs: Runs, table: Table) -> str:
    """The page: question, table, figures, agreement, settings, mixtures, examples, provenance.

    A part whose files are gone (a pool that moved, a cleaned step) says so in its place; the numbers stay.
    """
    plan, own = runs.plan, own_figure(runs)
    return render(
        "mmprolong.reporting.report",
        TEMPLATE,
        {"signed": signed},
        plan=plan,
        version=__version__,
        summary=table.finding,
        table=table,
        table_html=to_html(table, directions=False),
        accuracy=charts.inline_svg(charts.accuracy_by_length(runs), "accuracy"),
        own=charts.inline_svg(own.figure, own.name) if own else "",
        own_caption=own.caption if own else "",
        depth=_part(lambda: _depth_figure(runs)),
        agreement=charts.inline_svg(published_against_ours(table.agreements), "agreement") if table.agreements else "",
        losses=_part(lambda: _losses(store, runs)),
        mixtures=_part(lambda: arm_mixtures(store, plan)),
        mixture_figure=_part(lambda: _mixture_figure(store, runs)),
        arms=[(label, changes(plan, label), complete(plan, label)) for label in plan.labels],
        documents=[_part(make) for make in _documents(store, runs)],
        replies=_part(lambda: examples.answered(store, runs, _shown(runs))),
        shown=_shown(runs),
        provenance=_part(lambda: provenance(store, plan)),
    )


def _part(make: Callable[[], Any]) -> Any:
    """What `make` returns, or the sentence that says why it cannot be made."""
    try:
        return make()
    except MMProLongError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _shown(runs: Runs) -> Any:
    """The run whose examples are shown: the baseline's first that is finished, else its first."""
    points = runs.plan.of(runs.plan.baseline)
    return next((point for point in points if point.steps["score"] in runs.results), points[0])


def _documents(store: Path, runs: Runs) -> list[Callable[[], Any]]:
    middle = runs.lengths[len(runs.lengths) // 2] if runs.lengths else ""
    return [
        lambda: examples.training_document(store, runs.plan),
        lambda: examples.evaluation_document(store, _shown(runs), middle),
    ]


def _depth_figure(runs: Runs) -> str:
    kept = any(result.scores for result in runs.results.values())
    return charts.inline_svg(needle_heat_map(runs), "depth") if kept else ""


def _losses(store: Path, runs: Runs) -> str:
    curves = loss_curves(store, runs.plan)
    return charts.inline_svg(charts.loss_by_tokens(curves, runs.plan.labels), "loss") if curves else ""


def _mixture_figure(store: Path, runs: Runs) -> str:
    found = arm_mixtures(store, runs.plan)
    return charts.inline_svg(charts.mixture_shares(found), "mixture") if found else ""
