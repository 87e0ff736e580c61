"""The report as one HTML file that needs nothing else."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from mmprolong.errors import DataError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.reporting.report.replies import replies_table
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import arm_mixtures
from mmprolong.reporting.tables.model import Table, text_table
from mmprolong.reporting.tables.render import to_html
from mmprolong.store.fingerprint import leaves
from mmprolong.store.store import Store
from mmprolong.sweep.view.templates import render

_MIXTURE = ("arm", "phase", "tokens", "packs", "fill", "examples", "documents", "repeats", "tasks")


def html_report(store: Path, runs: Runs, table: Table, figures: Sequence[tuple[str, str]]) -> str:
    """Return the page: question, table, figures, replies, settings, mixtures, provenance.

    Args:
        figures: each as an `<svg>` element with its caption.

    Raises:
        ArtifactError: a recorded file is damaged.
    """
    plan = runs.plan
    steps = {step: stage_of(role) for point in plan.points for role, step in point.steps.items()}
    records = [record for step, stage in steps.items() if (record := Store(store).record(stage, step))]
    made = [[one.stage, one.id, one.label, f"{one.seconds:.1f}", one.commit, one.started] for one in records]
    sections = {
        "Settings that differ from the baseline's": text_table(("arm", "setting", "baseline", "arm's"), _changed(plan)),
        "Training data": text_table(_MIXTURE, _mixtures(store, plan)),
        "Steps": text_table(("stage", "step", "asked for by", "time [s]", "code", "started"), made),
    }
    shown = {
        "plan": plan,
        "table": table,
        "table_html": to_html(table),
        "figures": figures,
        "sections": {title: to_html(section) for title, section in sections.items()},
        "replies": _replies(store, runs),
        "facts": {
            "planned": f"{plan.created} by {plan.code}",
            "hardware": "; ".join(sorted({one.hardware for one in records})),
            "packages": ", ".join(sorted({f"{name} {at}" for one in records for name, at in one.packages.items()})),
            "finished": f"{len(records)} of {len(steps)}, {sum(one.seconds for one in records) / 3600:.2f} h in all",
        },
    }
    return render("mmprolong.reporting.report", "report.html.j2", {}, **shown)


def _replies(store: Path, runs: Runs) -> str:
    """Return replies of the baseline; where their files are gone (a step that was cleaned), the reason."""
    points = runs.plan.of(runs.plan.baseline)
    point = next((one for one in points if runs.result(one)), points[0])
    try:
        return to_html(replies_table(store, runs, point))
    except DataError as error:
        return f'<p class="gone">{escape(str(error))}</p>'


def _changed(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Yield arm, setting, and both values, for each setting in which the first seeds of baseline and arm differ."""
    baseline = dict(leaves(plan.of(plan.baseline)[0].config))
    for label in plan.labels:
        arm = dict(leaves(plan.of(label)[0].config))
        for key in dict.fromkeys([*baseline, *arm]):
            if baseline.get(key) != arm.get(key):
                values = (json.dumps(side.get(key, "-"), ensure_ascii=False) for side in (baseline, arm))
                yield label, key, *values


def _mixtures(store: Path, plan: Plan) -> Iterator[tuple[str, ...]]:
    """Yield the certificate of each mixture of an arm's first seed."""
    for one in arm_mixtures(store, plan):
        found, whole = one.certificate, sum(one.tokens.values())
        examples = sum(part["examples"] for part in found["components"].values())
        counts = (f"{found['packs']:,}", f"{found['fill']:.1%}", f"{examples:,}", found["documents"], found["repeats"])
        shares = ", ".join(f"{task} {tokens / whole:.0%}" for task, tokens in one.tokens.items())
        yield one.label, one.phase, f"{found['tokens']['actual']:,}", *map(str, counts), shares
