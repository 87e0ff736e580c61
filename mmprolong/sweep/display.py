"""What a person sees of a sweep: the plan, what it costs, its progress."""

import json
from collections import Counter
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mmprolong.artifacts import PROGRESS, Store
from mmprolong.plans import Plan
from mmprolong.settings import STAGES
from mmprolong.sweep.estimate import Cost
from mmprolong.sweep.launch import Progress
from mmprolong.sweep.standing import Standing

_COLUMNS = {"finished": "done", "running": "running", "queued": "queued", "failed": "failed", "unknown": "unknown"}
_SHOWN = ("done", "running", "queued", "failed", "unknown", "to do")
"""All but the first and the last are shown only if a step stands so."""


def plan_table(plan: Plan, standings: Mapping[str, Standing]) -> Table:
    """Points by stage: how many steps they ask for, how many different ones, and where these stand."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    states = Counter((plan.steps[name].stage, _COLUMNS.get(each.state, "to do")) for name, each in standings.items())
    shown = [column for column in _SHOWN if column in ("done", "to do") or any(state == column for _, state in states)]
    for column in ("stage", "asked for", "different", *shown):
        table.add_column(column, justify="left" if column == "stage" else "right")
    asked = Counter(plan.steps[name].stage for point in plan.points for name in point.steps.values())
    different = Counter(step.stage for step in plan.steps.values())
    for stage in STAGES:
        cells = (asked[stage], different[stage], *(states[stage, column] for column in shown))
        table.add_row(stage, *map(str, cells))
    seeds = ", ".join(map(str, plan.seeds))
    table.caption = f"{len(plan.points)} points = {len({p.label for p in plan.points})} rows x seeds {seeds}"
    return table


def cost_line(cost: Cost) -> str:
    """'12.0 GPU-hours, 3.5 CPU-hours, 120 GB, money 31'; what is nothing is left out."""
    parts = [f"{cost.gpu_hours:,.1f} GPU-hours"] if cost.gpu_hours else []
    parts += [f"{cost.cpu_hours:,.2f} CPU-hours"] if cost.cpu_hours else []
    size = f"{cost.megabytes / 1000:,.1f} GB" if cost.megabytes >= 1000 else f"{cost.megabytes:.0f} MB"
    return ", ".join([*parts, f"{size} on disk", *([f"price {cost.money:,.2f}"] if cost.money else [])])


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


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


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
