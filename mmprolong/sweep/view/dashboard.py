"""The dashboard of a sweep: one HTML file that reloads itself, written by the launcher and by typed commands."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from markupsafe import Markup, escape

from mmprolong import __version__
from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import write_file
from mmprolong.store.store import Store
from mmprolong.sweep.commands import command, recovery_command
from mmprolong.sweep.estimate import STATES, totals
from mmprolong.sweep.logs import group_failures, last_words
from mmprolong.sweep.state import StepState
from mmprolong.sweep.view.console import cost_line, duration, progress_text, run_scores
from mmprolong.sweep.view.templates import render

SIGNS = dict(zip(STATES, "✓RQ·?B×", strict=True))
"""Sign in the cell of a step, beside its colour."""
_CLASSES = dict(zip(STATES, "frqoubx", strict=True))
_MOST = 50
"""Running steps that are shown one by one."""
_FEW = 6
"""Labels of a group of failures, and reasons of a state, that are shown."""
_RELOAD = 10
"""Time between two reloads of a page of a sweep that runs or waits [s]."""


class ArmRow(NamedTuple):
    """Row of the table: an arm."""

    label: str
    cells: Sequence[Sequence[tuple[StepState, str]]]
    """By role: the state of each different step, and its seeds."""
    planned: int
    """Number of different runs: seeds that change nothing count once."""
    finished: int
    scores: Mapping[str, float]
    """Means over the finished runs, by column and `overall`."""


def page_path(store: Store, ablation: str) -> Path:
    """Return the file of an ablation's dashboard."""
    return store.root / "reports" / ablation / "dashboard.html"


def write_page(store: Store, plan: Plan, states: Mapping[str, StepState]) -> str:
    """Replace the dashboard; returns the error if that fails, because a sweep must not end with its dashboard."""
    path = page_path(store, plan.ablation)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, render_page(store, plan, states, datetime.now(UTC).replace(microsecond=0)))
    except Exception as error:  # noqa: BLE001
        return f"{path}: {type(error).__name__}: {error}"
    return ""


def render_page(store: Store, plan: Plan, states: Mapping[str, StepState], now: datetime) -> str:
    """Return the whole sweep at `now` (UTC) as HTML; it reloads itself as long as a step runs or waits."""
    total, shared = totals(plan, states), _shared(plan)
    roles = [role for role in _roles(plan) if role not in shared]
    rows = [_row(plan, label, roles, states) for label in plan.labels]
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for at in states.values():
        reasons[at.state].update([at.detail] if at.detail else [])
    filters = {"duration": duration, "progress": progress_text, "commands": _commands, "tooltip": _tooltip}
    filters |= {"sign": SIGNS.__getitem__, "class": _CLASSES.__getitem__}
    return render(
        "mmprolong.sweep.view",
        "dashboard.html.j2",
        filters,
        plan=plan,
        total=total,
        ends=f"{now + timedelta(seconds=total.seconds):%d %b %H:%M} UTC" if total.seconds else "",
        details={state: reasons[state].most_common(_FEW) for state in ("queued", "unknown")},
        resume=recovery_command(store, plan),
        used=cost_line(total.used),
        left=cost_line(total.left),
        running=[(plan.steps[name], at) for name, at in states.items() if at.state == "running"][:_MOST],
        words=lambda step, at: [] if at.progress else last_words(store.folder(step.stage, step.id), at, 1),
        failed=group_failures(store, plan, states),
        few=_FEW,
        roles=roles,
        shared={role: states[step] for role, step in shared.items()},
        rows=rows,
        columns=dict.fromkeys(name for row in rows for name in row.scores if name != "overall"),
        status_command=command(store, "status", plan.ablation, config_dir=plan.config_dir),
        report_command=command(store, "report", plan.ablation, config_dir=plan.config_dir),
        store=store.root,
        version=__version__,
        written=now,
        reload=0 if total.state in ("finished", "stopped") else _RELOAD,
    )


def _roles(plan: Plan) -> list[str]:
    """Return all roles in the order of the point with the most roles."""
    longest = sorted(plan.points, key=lambda point: -len(point.steps))
    return list(dict.fromkeys(role for point in longest for role in point.steps))


def _shared(plan: Plan) -> dict[str, str]:
    """Return by role the step that all points with this role share."""
    users = {role: {point.steps[role] for point in plan.points if role in point.steps} for role in _roles(plan)}
    return {role: steps.pop() for role, steps in users.items() if len(steps) == 1 and len(plan.points) > 1}


def _row(plan: Plan, label: str, roles: Sequence[str], states: Mapping[str, StepState]) -> ArmRow:
    cells, different = [], plan.of(label)
    for role in roles:
        users: dict[str, list[str]] = defaultdict(list)
        for point in plan.rows[label]:
            if role in point.steps:
                users[point.steps[role]].append(str(point.seed))
        cells.append([(states[step], f"seed {', '.join(seeds)}") for step, seeds in users.items()])
    runs = [scores for point in different if (scores := run_scores(point, states))]
    names = dict.fromkeys(name for run in runs for name in run)
    means = {name: fmean(run[name] for run in runs if name in run) for name in names}
    return ArmRow(label, cells, len(different), len(runs), means)


def _tooltip(at: StepState, whose: str) -> str:
    """Return the tooltip of a cell: its seeds, its state and progress, its job, its failure."""
    share = f" {100 * at.progress['done'] / max(at.progress['total'], 1):.0f} %" if at.progress else ""
    why = at.failure.message if at.failure else at.detail
    return ", ".join(filter(None, [whose, at.state + share, f"job {at.job}" if at.job else "", why]))


def _commands(text: str) -> Markup:
    """Return escaped text in which the parts between backquotes are code."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in parts)
