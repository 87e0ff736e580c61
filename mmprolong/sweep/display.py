"""What a person sees of a sweep: the plan, what it costs, its progress."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mmprolong.pipeline.plan import Plan
from mmprolong.settings.stages import STAGES
from mmprolong.sweep.estimate import Hours
from mmprolong.sweep.standing import Standing
from mmprolong.sweep.totals import totals

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
    gone = sum(each.state == "finished" and each.record is None for each in standings.values())
    if gone:
        table.caption += f"\n{gone} of the steps done are not in the store any more; nothing that is to do needs them"
    return table


def cost_line(hours: Hours, money: float, megabytes: float = 0) -> str:
    """'12.0 GPU-hours, 0.35 CPU-hours, 120 MB on disk, price 31.0'; what is nothing is left out."""
    size = f"{megabytes / 1000:,.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
    parts = {
        f"{_amount(hours.gpu)} GPU-hours": hours.gpu,
        f"{_amount(hours.cpu)} CPU-hours": hours.cpu,
        f"{size} on disk": megabytes,
        f"price {_amount(money)}": money,
    }
    return ", ".join(text for text, value in parts.items() if value)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def progress_view(plan: Plan, where: Mapping[str, Standing], usual: Mapping[str, float]) -> RenderableType:
    """Bars for the whole and for every running step; then what failed."""
    total = totals(plan, where, usual)
    left = f"about {duration(total.seconds)} left" if total.seconds else ""
    parts: list[RenderableType] = [_bar("steps", total.finished, total.steps, left)]
    for name, each in sorted(where.items()):
        if each.state == "running":
            step, at = plan.steps[name], each.progress
            rate = f"{per_second(at['rate'])}, {at['unit']}" if at else "starting"
            parts.append(_bar(f"  {step.stage} {step.label}", at.get("done", 0), at.get("total", 0), rate))
    return Group(*parts, *failures(plan, where))


def failures(plan: Plan, where: Mapping[str, Standing]) -> list[Text]:
    """One line a failed step, one for all that hang on them."""
    failed = {plan.steps[name].label: each.failure for name, each in where.items() if each.failure}
    lines = [Text(f"failed: {label}: {failure.message}", style="red") for label, failure in failed.items()]
    blocked = sum(each.state == "blocked" for each in where.values())
    if blocked:
        lines.append(Text(f"{blocked} steps need a failed one and were not run", style="yellow"))
    return lines


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def per_second(rate: float) -> str:
    """'0.031/s', '1.2/s', '120/s'."""
    return f"{rate:.2g}/s" if rate < 10 else f"{rate:,.0f}/s"


def _bar(name: str, done: int, total: int, note: str) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_column(width=58, no_wrap=True)
    row.add_row(name, ProgressBar(total=total or None, completed=done, width=30), f"{done}/{total}", note)
    return row
