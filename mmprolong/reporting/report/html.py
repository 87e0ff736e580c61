"""The report as one HTML file that needs nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmprolong import __version__
from mmprolong.errors import MMProLongError
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.own_figure import own_figure
from mmprolong.reporting.report import examples
from mmprolong.reporting.report.figures import Drawing, drawings
from mmprolong.reporting.report.provenance import provenance
from mmprolong.reporting.report.settings_shown import changes, complete
from mmprolong.reporting.sources.mixtures import arm_mixtures
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import signed
from mmprolong.reporting.tables.render import to_html
from mmprolong.sweep.view.html import render

TEMPLATE = "report.html.j2"


def html_report(store: Path, runs: Runs, table: Table) -> str:
    """The page: question, table, figures, agreement, settings, mixtures, examples, provenance.

    A part whose files are gone (a pool that moved, a cleaned step) says so in its place; the numbers stay.
    """
    plan, own = runs.plan, own_figure(runs)
    draw = drawings(store, runs, table, own)
    return render(
        "mmprolong.reporting.report",
        TEMPLATE,
        {"signed": signed},
        plan=plan,
        version=__version__,
        summary=table.finding,
        table=table,
        table_html=to_html(table, directions=False),
        accuracy=_svg(draw, "accuracy"),
        own=_svg(draw, own.name) if own else "",
        own_caption=own.caption if own else "",
        depth=_part(lambda: _svg(draw, "depth")),
        agreement=_svg(draw, "agreement"),
        losses=_part(lambda: _svg(draw, "loss")),
        mixtures=_part(lambda: arm_mixtures(store, plan)),
        mixture_figure=_part(lambda: _svg(draw, "mixture")),
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


def _svg(draw: Mapping[str, Drawing], name: str) -> str:
    figure = draw[name]()
    return charts.inline_svg(figure, name) if figure else ""


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
