"""The page of a sweep: everything that it shows, gathered for its template."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from markupsafe import Markup, escape

from mmprolong import __version__
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import LOG, Store
from mmprolong.sweep.commands import again, command
from mmprolong.sweep.estimate import STATES, known_seconds, totals
from mmprolong.sweep.state import StepState, last_words
from mmprolong.sweep.view.html import render
from mmprolong.sweep.view.terminal import cost_line, duration, progress_text, run_scores

SIGNS = dict(zip(STATES, "✓RQ·?B×", strict=True))
"""What stands in a step's cell, beside its colour."""
_CLASSES = dict(zip(STATES, "frqoubx", strict=True))
_MOST = 50
"""Running steps that are shown one by one."""
_FEW = 6
"""Reasons and labels of a kind of failure that are shown, and lines that the first of them wrote."""
_RELOAD = {"processes": 5, "slurm": 30}
"""Time after which the page looks for a newer one, by launcher [s]."""
_STALE = {"processes": 60, "slurm": 900}
"""Time after which a page of a running sweep says that nobody writes it [s]."""
_DRAWN, _WIDTH, _HEIGHT = 48, 120, 24
"""Points of a curve of losses, and its size."""


class FailureGroup(NamedTuple):
    """Steps of one stage that failed in one way."""

    steps: Sequence[Step]
    kind: str
    reasons: Sequence[tuple[str, int]]
    """What was found, and how often; the commonest first."""
    words: Sequence[str]
    """The last lines that the first one wrote."""
    advice: str
    """Commands stand in backquotes."""


class Row(NamedTuple):
    """One label of the table."""

    label: str
    cells: Sequence[Sequence[tuple[StepState, str]]]
    """By role: its different steps, and for whom each is."""
    planned: int
    """Different runs: seeds that change nothing count once."""
    finished: int
    scores: Mapping[str, float]
    """Means over the finished runs, by column and `overall`."""


def page(store: Store, plan: Plan, states: Mapping[str, StepState], source: str, now: datetime) -> str:
    """Return the whole sweep at `now` as HTML; it reloads itself as long as something runs or may run.

    Args:
        source: who says so.
        now: UTC.
    """
    total = totals(plan, states, known_seconds(store, plan, states))
    launcher, shared = plan.cluster.launcher, _shared(plan)
    roles = [role for role in _roles(plan) if role not in shared]
    rows = [_row(label, points, roles, states) for label, points in plan.rows.items()]
    filters = {"duration": duration, "progress": progress_text, "commands": _commands, "curve": _curve, "says": _says}
    filters |= {"sign": SIGNS.__getitem__, "class": _CLASSES.__getitem__}
    return render(
        "mmprolong.sweep.view",
        "page.html.j2",
        filters,
        plan=plan,
        total=total,
        ends=f"{now + timedelta(seconds=total.seconds):%d %b %H:%M} UTC" if total.seconds else "",
        details={state: _details(states, state) for state in ("queued", "unknown")},
        resume=again(store, plan),
        used=cost_line(total.used, total.used.money(plan.cluster)),
        left=cost_line(total.left, total.left.money(plan.cluster)),
        running=[(plan.steps[name], at) for name, at in _in_state(states, "running")[:_MOST]],
        losses=lambda step: list(_losses(store.folder(step.stage, step.id) / LOG)),
        words=lambda step, at: [] if at.progress else last_words(store.folder(step.stage, step.id), at, 1),
        failed=_failure_groups(store, plan, states),
        few=_FEW,
        roles=roles,
        shared={role: states[step] for role, step in shared.items()},
        rows=rows,
        columns=dict.fromkeys(name for row in rows for name in row.scores if name != "overall"),
        source=source,
        status_command=command(store, "status", plan.ablation, config_dir=plan.config_dir),
        report_command=command(store, "report", plan.ablation, config_dir=plan.config_dir),
        store=store.root,
        version=__version__,
        written=now,
        reload=0 if total.state in ("finished", "stopped") else _RELOAD[launcher],
        stale=_STALE[launcher],
    )


def _roles(plan: Plan) -> list[str]:
    """Return all roles; the longest point has them in the order in which they run."""
    longest = sorted(plan.points, key=lambda point: -len(point.steps))
    return list(dict.fromkeys(role for point in longest for role in point.steps))


def _shared(plan: Plan) -> dict[str, str]:
    """Return the steps, by role, in which all points that have the role are alike."""
    users = {role: {point.steps[role] for point in plan.points if role in point.steps} for role in _roles(plan)}
    return {role: steps.pop() for role, steps in users.items() if len(steps) == 1 and len(plan.points) > 1}


def _row(label: str, points: Sequence[Point], roles: Sequence[str], states: Mapping[str, StepState]) -> Row:
    cells = []
    for role in roles:
        users: dict[str, list[str]] = defaultdict(list)
        for point in points:
            if role in point.steps:
                users[point.steps[role]].append(str(point.seed))
        cells.append([(states[step], f"seed {', '.join(seeds)}") for step, seeds in users.items()])
    different = {tuple(point.scores.values()): point for point in points}.values()
    runs = [scores for point in different if (scores := run_scores(point, states))]
    names = dict.fromkeys(name for run in runs for name in run)
    means = {name: fmean(run[name] for run in runs if name in run) for name in names}
    return Row(label, cells, len(different), len(runs), means)


def _in_state(states: Mapping[str, StepState], state: str) -> list[tuple[str, StepState]]:
    return [(name, each) for name, each in states.items() if each.state == state]


def _details(states: Mapping[str, StepState], state: str) -> list[tuple[str, int]]:
    """Return why steps stand so, and how many; the commonest first."""
    return Counter(each.detail for _, each in _in_state(states, state) if each.detail).most_common(_FEW)


def _failure_groups(store: Store, plan: Plan, states: Mapping[str, StepState]) -> list[FailureGroup]:
    """Return all failures, those of most steps first."""
    groups: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for name, each in states.items():
        if each.failure:
            groups[plan.steps[name].stage, each.failure.kind].append(plan.steps[name])
    found = []
    for (stage, kind), steps in groups.items():
        failures = [failure for each in steps if (failure := states[each.id].failure)]
        reasons = Counter(each.message for each in failures).most_common(_FEW)
        words = last_words(store.folder(stage, steps[0].id), states[steps[0].id], _FEW)
        advice = failures[0].advice(stage, again(store, plan, steps[0], kind))
        found.append(FailureGroup(steps, kind, reasons, words, advice))
    return sorted(found, key=lambda each: -len(each.steps))


def _says(at: StepState, whose: str) -> str:
    """Return what a cell says when it is pointed at: for whom it is, and how far or why not."""
    share = f" {100 * at.progress['done'] / max(at.progress['total'], 1):.0f} %" if at.progress else ""
    why = at.failure.message if at.failure else at.detail
    return ", ".join(filter(None, [whose, at.state + share, f"job {at.job}" if at.job else "", why]))


def _losses(path: Path) -> Iterator[float]:
    """Yield losses of lines spread evenly over a log, however long it is; a line that is torn has none."""
    if not path.exists():
        return
    with path.open("rb") as file:
        size, last = file.seek(0, 2), -1
        for part in range(_DRAWN):
            file.seek(size * part // _DRAWN)
            if part:
                file.readline()
            if file.tell() > last:
                last = file.tell()
                try:
                    yield float(json.loads(file.readline())["loss"])
                except (ValueError, KeyError, TypeError):
                    continue


def _curve(losses: Sequence[float]) -> str:
    """Return losses as the points of an SVG polyline."""
    low, high = min(losses, default=0.0), max(losses, default=0.0)
    step, scale = _WIDTH / max(len(losses) - 1, 1), (_HEIGHT - 2) / (high - low or 1)
    return " ".join(f"{step * x:.0f},{1 + scale * (high - loss):.1f}" for x, loss in enumerate(losses))


def _commands(text: str) -> Markup:
    """Return what stands in backquotes as code, all else escaped."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in parts)
