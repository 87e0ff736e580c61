"""What a person sees of a sweep: the plan, its progress, where every point stands."""

import json
import time
from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mmprolong.artifacts import FAILED, PROGRESS, Store
from mmprolong.settings import STAGES
from mmprolong.sweep.launch import Progress
from mmprolong.sweep.plan import Plan, PlannedPoint


def plan_table(plan: Plan, finished: set[str]) -> Table:
    """Points by stage: how many steps they ask for, how many different ones, how many are done."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    for column in ("stage", "asked for", "different", "done", "to do"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    asked = Counter(plan.steps[name].stage for point in plan.points for name in point.steps.values())
    different = Counter(step.stage for step in plan.steps.values())
    done = Counter(plan.steps[name].stage for name in finished)
    for stage in STAGES:
        cells = (asked[stage], different[stage], done[stage], different[stage] - done[stage])
        table.add_row(stage, *map(str, cells))
    seeds = ", ".join(map(str, plan.seeds))
    table.caption = f"{len(plan.points)} points = {len({p.label for p in plan.points})} rows x seeds {seeds}"
    return table


def progress_view(store: Store, plan: Plan, progress: Progress, remaining: float) -> RenderableType:
    """Bars for the whole and for every running step."""
    done, total = len(progress.finished), len(plan.steps)
    parts: list[RenderableType] = [_bar("steps", done, total, f"about {duration(remaining)} left" if remaining else "")]
    for name in sorted(progress.running):
        step = plan.steps[name]
        at = _read(store, step.stage, name, PROGRESS)
        rate = f"{at['rate']:.1f} {at['unit']}/s" if at else "starting"
        parts.append(_bar(f"  {step.stage} {step.label}", at.get("done", 0), at.get("total", 0), rate))
    parts += failures(plan, progress)
    return Group(*parts)


def failures(plan: Plan, progress: Progress) -> list[Text]:
    """One line a failed step, one for all that hang on them."""
    lines = [Text(f"failed: {plan.steps[name].label}: {error}", style="red") for name, error in progress.failed.items()]
    if progress.blocked:
        lines.append(Text(f"{len(progress.blocked)} steps need a failed one and were not run", style="yellow"))
    return lines


def status_table(store: Store, plan: Plan) -> Table:
    """Every point: steps done, what runs, what failed, its score."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left")
    for column in ("point", "seed", "steps", "state", "overall"):
        table.add_column(column, justify="left" if column in ("point", "state") else "right", overflow="fold")
    for point in plan.points:
        table.add_row(*_point_row(store, plan, point))
    return table


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _point_row(store: Store, plan: Plan, point: PlannedPoint) -> Iterable[RenderableType]:
    records = {role: store.record(plan.steps[name].stage, name) for role, name in point.steps.items()}
    done = sum(record is not None for record in records.values())
    score = records["score"]
    overall = f"{score.metrics['overall']:.3f}" if score else "-"
    return point.label, str(point.seed), f"{done}/{len(records)}", _state(store, plan, point, records), overall


def _state(store: Store, plan: Plan, point: PlannedPoint, records: dict) -> Text:
    open_roles = [role for role, record in records.items() if record is None]
    if not open_roles:
        return Text("finished", style="green")
    for role in open_roles:
        step = plan.steps[point.steps[role]]
        failed = _read(store, step.stage, step.id, FAILED)
        if failed:
            return Text(f"{role} failed: {failed['error']}", style="red")
        at = _read(store, step.stage, step.id, PROGRESS)
        if at and time.time() - at["time"] < 60:
            return Text(f"{role} {at['done']}/{at['total']} {at['unit']}, {at['rate']:.1f}/s", style="cyan")
    return Text(f"waits for {open_roles[0]}")


def _bar(name: str, done: int, total: int, note: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=58, no_wrap=True)
    row.add_row(name, ProgressBar(total=total or None, completed=done, width=30), f"{done}/{total}", note)
    return row


def _read(store: Store, stage: str, name: str, file: str) -> dict:
    try:
        return json.loads((store.folder(stage, name) / file).read_bytes())
    except (OSError, ValueError):  # not there (yet): nothing to show
        return {}
