"""The report as one HTML file that needs nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmprolong import __version__
from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.drawings import Drawing, drawings, own_figure
from mmprolong.reporting.report import examples
from mmprolong.reporting.report.arms import changed_settings
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import to_html
from mmprolong.store.store import Store
from mmprolong.sweep.view.templates import render

TEMPLATE = "report.html.j2"


def html_report(store: Path, runs: Runs, table: Table) -> str:
    """Return the page: question, table, figures, settings, mixtures, examples, provenance.

    A part whose files are gone (a pool that moved, a cleaned step) says so in its place; the numbers stay.
    """
    plan, own, shown = runs.plan, own_figure(runs), _shown(runs)
    draw = drawings(runs, own)
    middle = runs.lengths[len(runs.lengths) // 2] if runs.lengths else ""
    return render(
        "mmprolong.reporting.report",
        TEMPLATE,
        {"percents": _percents},
        plan=plan,
        table=table,
        table_html=to_html(table),
        accuracy=_svg(draw, "accuracy"),
        own=_svg(draw, own.name) if own else "",
        own_caption=own.caption if own else "",
        depth=_svg(draw, "depth"),
        mixtures=_part(lambda: arm_mixtures(store, plan)),
        changes=_part(lambda: {label: changed_settings(plan, label) for label in plan.labels}),
        documents=[
            _part(lambda: examples.training_document(store, plan)),
            _part(lambda: examples.evaluation_document(store, shown, middle)),
        ],
        replies=_part(lambda: examples.answered(store, runs, shown)),
        shown=shown,
        provenance=_part(lambda: _provenance(store, plan)),
    )


def _part(make: Callable[[], Any]) -> Any:
    """Return the part of a page, or the sentence that says why it cannot be made."""
    try:
        return make()
    except MMProLongError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _svg(draw: Mapping[str, Drawing], name: str) -> str:
    figure = draw[name]()
    return charts.inline_svg(figure, name) if figure else ""


def _percents(shares: Mapping[str, float]) -> str:
    """Return 'reasoning 20 %, extract_single 80 %'."""
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in shares.items())


def _shown(runs: Runs) -> Point:
    """Return the run whose examples are shown: the baseline's first that is finished, else its first."""
    points = runs.plan.of(runs.plan.baseline)
    return next((point for point in points if runs.result(point)), points[0])


def _provenance(store: Path, plan: Plan) -> dict[str, Any]:
    """Return the records of the plan's finished steps, each once, and a summary of them by title.

    Raises:
        ArtifactError: a record is damaged.
    """
    stages = {step: stage_of(role) for point in plan.points for role, step in point.steps.items()}
    steps = [record for step, stage in stages.items() if (record := Store(store).record(stage, step))]
    hours, cpu_hours = sum(step.seconds for step in steps) / 3600, sum(step.cpu_hours for step in steps)
    packages = sorted({f"{name} {version}" for step in steps for name, version in step.packages.items()})
    facts = {
        "planned": f"{plan.created} by {plan.code}",
        "run by": ", ".join(sorted({step.commit for step in steps})),
        "hardware": "; ".join(sorted({step.hardware for step in steps})),
        "packages": ", ".join(packages),
        "steps": f"{len(steps)} of {len(stages)} finished; {hours:.2f} h in all, {cpu_hours:.2f} CPU-hours",
        "report by": f"mmprolong {__version__}",
    }
    return {"facts": facts, "steps": steps}
