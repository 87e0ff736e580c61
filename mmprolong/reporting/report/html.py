"""The report as one HTML file that needs nothing else."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmprolong import __version__
from mmprolong.errors import ArtifactError, MMProLongError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.reporting.report.examples import evaluation_document, example_replies, training_document
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.render import to_html
from mmprolong.store.fingerprint import leaves
from mmprolong.store.store import Store
from mmprolong.sweep.view.templates import render


def html_report(store: Path, runs: Runs, table: Table, figures: Sequence[tuple[str, str]]) -> str:
    """Return the page: question, table, figures, settings, mixtures, examples, provenance.

    Examples whose files are gone (a pool that moved, a cleaned step) are replaced by the reason; the numbers stay.

    Args:
        figures: each as an `<svg>` element with its caption.

    Raises:
        ArtifactError: a recorded file is damaged.
    """
    plan, points = runs.plan, runs.plan.of(runs.plan.baseline)
    shown = next((point for point in points if runs.result(point)), points[0])
    middle = runs.lengths[len(runs.lengths) // 2] if runs.lengths else ""
    return render(
        "mmprolong.reporting.report",
        "report.html.j2",
        {"percents": _percents},
        plan=plan,
        table=table,
        table_html=to_html(table),
        figures=figures,
        mixtures=arm_mixtures(store, plan),
        changes={label: _changed_settings(plan, label) for label in plan.labels},
        documents=[
            _or_reason(lambda: training_document(store, plan)),
            _or_reason(lambda: evaluation_document(store, shown, middle)),
        ],
        replies=_or_reason(lambda: example_replies(store, runs, shown)),
        shown=shown,
        provenance=_provenance(store, plan),
    )


def _or_reason(make: Callable[[], Any]) -> Any:
    """Return the part of a page, or the reason if its files are gone."""
    try:
        return make()
    except ArtifactError:
        raise
    except MMProLongError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _changed_settings(plan: Plan, label: str) -> list[tuple[str, str, str]]:
    """Return key, the baseline's value and the arm's of each setting that differs between their first seeds."""
    baseline, arm = (dict(leaves(plan.of(name)[0].config)) for name in (plan.baseline, label))
    keys = [key for key in dict.fromkeys([*baseline, *arm]) if baseline.get(key) != arm.get(key)]
    texts = [[json.dumps(side.get(key, "-"), ensure_ascii=False) for key in keys] for side in (baseline, arm)]
    return list(zip(keys, *texts, strict=True))


def _percents(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in shares.items())


def _provenance(store: Path, plan: Plan) -> dict[str, Any]:
    """Return the records of the plan's finished steps, each once, and a summary of them by title."""
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
