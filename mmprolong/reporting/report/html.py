"""The report as one HTML file that needs nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmprolong import __version__
from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import RunRecord
from mmprolong.reporting.figures import charts
from mmprolong.reporting.figures.drawings import Drawing, drawings, own_figure
from mmprolong.reporting.report import examples
from mmprolong.reporting.report.arms import changes, complete
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import signed
from mmprolong.reporting.tables.render import to_html
from mmprolong.store.store import Store
from mmprolong.sweep.view.html import render

TEMPLATE = "report.html.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The finished steps of a plan, and what they have in common."""

    steps: tuple[RunRecord, ...]
    planned: int
    """Different steps in the plan."""

    @property
    def hours(self) -> float:
        """Wall time of all steps together [h]."""
        return sum(step.seconds for step in self.steps) / 3600

    @property
    def cpu_hours(self) -> float:
        """CPU time of all steps together [h]."""
        return sum(step.cpu_hours for step in self.steps)

    @property
    def commits(self) -> list[str]:
        """Versions of the code that made the results."""
        return sorted({step.commit for step in self.steps if step.commit})

    @property
    def hardware(self) -> list[str]:
        """Machines that made them."""
        return sorted({step.hardware for step in self.steps if step.hardware})

    @property
    def packages(self) -> list[str]:
        """Packages with every version that was in use."""
        return sorted({f"{name} {version}" for step in self.steps for name, version in step.packages.items()})


def html_report(store: Path, runs: Runs, table: Table) -> str:
    """Return the page: question, table, figures, agreement, settings, mixtures, examples, provenance.

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
        changes=_part(lambda: {label: changes(plan, label) for label in plan.labels}),
        configurations={label: complete(plan, label) for label in plan.labels},
        documents=[_part(make) for make in _documents(store, runs)],
        replies=_part(lambda: examples.answered(store, runs, _shown(runs))),
        shown=_shown(runs),
        provenance=_part(lambda: _provenance(store, plan)),
    )


def _part(make: Callable[[], Any]) -> Any:
    """Return what `make` returns, or the sentence that says why it cannot be made."""
    try:
        return make()
    except MMProLongError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _svg(draw: Mapping[str, Drawing], name: str) -> str:
    figure = draw[name]()
    return charts.inline_svg(figure, name) if figure else ""


def _shown(runs: Runs) -> Point:
    """Return the run whose examples are shown: the baseline's first that is finished, else its first."""
    points = runs.plan.of(runs.plan.baseline)
    return next((point for point in points if runs.result(point)), points[0])


def _documents(store: Path, runs: Runs) -> list[Callable[[], Any]]:
    middle = runs.lengths[len(runs.lengths) // 2] if runs.lengths else ""
    return [
        lambda: examples.training_document(store, runs.plan),
        lambda: examples.evaluation_document(store, _shown(runs), middle),
    ]


def _provenance(store: Path, plan: Plan) -> Provenance:
    """Read the records of the plan's finished steps, each once.

    Raises:
        ArtifactError: a record is damaged.
    """
    stages = {step: stage_of(role) for point in plan.points for role, step in point.steps.items()}
    records = (Store(store).record(stage, step) for step, stage in stages.items())
    return Provenance(steps=tuple(record for record in records if record), planned=len(stages))
