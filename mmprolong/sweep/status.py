"""The table of where every point of a sweep stands."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.store.store import Store
from mmprolong.sweep.commands import again
from mmprolong.sweep.display import cost_line, duration, per_second
from mmprolong.sweep.estimate import time_left
from mmprolong.sweep.standing import Standing, last_words
from mmprolong.sweep.totals import totals
from mmprolong.sweep.usual import usual_seconds

_ORDER = ("failed", "running", "queued", "unknown", "open", "blocked")
"""What a point is said to do if its steps do several things."""
_SPEAKING = ("failed", "running", "unknown")
"""States in which the last line of a log tells something."""


def status_view(store: Store, plan: Plan, standings: Mapping[str, Standing]) -> RenderableType:
    """Every point: steps done, what runs, waits or failed, its score; then what can be done about the failures."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    for column in ("point", "seed", "steps", "state", "overall [%]"):
        table.add_column(column, justify="left" if column in ("point", "state") else "right", overflow="fold")
    for point in plan.points:
        table.add_row(*_row(store, plan, point, standings))
    table.caption = _caption(plan, standings, usual_seconds(store, plan, standings))
    return Group(table, *_advice(store, plan, standings))


def _caption(plan: Plan, standings: Mapping[str, Standing], usual: Mapping[str, float]) -> str:
    """'21 of 40 steps, about 3.5 h left at 8 at once; used 12.0 GPU-hours, left 40.0 GPU-hours'."""
    total = totals(plan, standings, usual)
    left = f", about {duration(total.seconds)} left at {total.width} at once" if total.seconds else ""
    costs = {"used": cost_line(total.used, 0), "left": cost_line(total.left, 0)}
    hours = ", ".join(f"{name} {cost}" for name, cost in costs.items() if cost)
    return f"{total.finished} of {total.steps} steps{left}" + (f"; {hours}" if hours else "")


def _row(store: Store, plan: Plan, point: Point, standings: Mapping[str, Standing]) -> Iterable[RenderableType]:
    done = sum(standings[name].state == "finished" for name in point.steps.values())
    score = standings[point.steps["score"]].record if done == len(point.steps) else None
    overall = f"{100 * score.metrics['overall']:.1f}" if score else "-"
    return point.label, str(point.seed), f"{done}/{len(point.steps)}", _state(store, plan, point, standings), overall


def _state(store: Store, plan: Plan, point: Point, standings: Mapping[str, Standing]) -> Text:
    unfinished = {role: standings[name] for role, name in point.steps.items() if standings[name].state != "finished"}
    if not unfinished:
        return Text("finished", style="green")
    role, standing = min(unfinished.items(), key=lambda item: _ORDER.index(item[1].state))
    step = plan.steps[point.steps[role]]
    words = last_words(store.folder(step.stage, step.id), standing, 1) if standing.state in _SPEAKING else []
    return Text("\n").join([_said(role, standing), *(Text(f"  {line.strip()}", style="dim") for line in words)])


def _said(role: str, standing: Standing) -> Text:
    job = f", job {standing.job}" if standing.job else ""
    if standing.state == "failed" and standing.failure:
        return Text(f"{role} failed ({standing.failure.kind}): {standing.failure.message}{job}", style="red")
    if standing.state == "running":
        return Text(f"{role} {_progress(standing)}{job}", style="cyan")
    if standing.state == "queued":
        return Text(f"{role} queued ({standing.detail}){job}", style="blue")
    if standing.state == "unknown":
        return Text(f"{role} unknown: {standing.detail}", style="yellow")
    return Text(f"waits for {role}")


def _progress(standing: Standing) -> str:
    """'12/40 updates, 1.2/s, 23 s left, loss 2.31, 9,200 tokens/s'."""
    at, metrics, left = standing.progress, standing.metrics, time_left(standing)
    if not at:
        return "starting"
    parts = [f"{at['done']}/{at['total']} {at['unit']}", per_second(at["rate"])]
    if left is not None:
        parts.append(f"{duration(left)} left")
    if "loss" in metrics:
        loss = metrics["loss"]
        parts.append("loss nan" if loss is None else f"loss {loss:.3f}")
    if "tokens_per_second" in metrics:
        parts.append(f"{metrics['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(parts)


def _advice(store: Store, plan: Plan, standings: Mapping[str, Standing]) -> Iterable[Text]:
    """One line a kind of failure and stage."""
    failed = {(plan.steps[name].stage, each.failure) for name, each in standings.items() if each.failure}
    told = ((stage, failure, again(store, plan, stage, failure.kind)) for stage, failure in failed)
    lines = {f"{stage} failed ({failure.kind}): {failure.advice(stage, command)}" for stage, failure, command in told}
    return [Text(line, style="yellow") for line in sorted(lines)]
