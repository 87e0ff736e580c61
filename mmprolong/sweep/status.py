"""The table of where every point of a sweep stands."""

from collections.abc import Iterable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmprolong.artifacts import Store
from mmprolong.plans import Plan, Point
from mmprolong.sweep.display import duration
from mmprolong.sweep.standing import Standing

_ORDER = ("failed", "running", "queued", "unknown", "open", "blocked")
"""What a point is said to do if its steps do several things."""


def status_view(store: Store, plan: Plan, standings: Mapping[str, Standing]) -> RenderableType:
    """Every point: steps done, what runs, waits or failed, its score; then what can be done about the failures."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left")
    for column in ("point", "seed", "steps", "state", "overall"):
        table.add_column(column, justify="left" if column in ("point", "state") else "right", overflow="fold")
    for point in plan.points:
        table.add_row(*_row(store, plan, point, standings))
    return Group(table, *_advice(plan, standings))


def _row(store: Store, plan: Plan, point: Point, standings: Mapping[str, Standing]) -> Iterable[RenderableType]:
    done = sum(standings[name].state == "finished" for name in point.steps.values())
    score = store.record("score", point.steps["score"]) if done == len(point.steps) else None
    overall = f"{score.metrics['overall']:.3f}" if score else "-"
    return point.label, str(point.seed), f"{done}/{len(point.steps)}", _state(point, standings), overall


def _state(point: Point, standings: Mapping[str, Standing]) -> Text:
    unfinished = {role: standings[name] for role, name in point.steps.items() if standings[name].state != "finished"}
    if not unfinished:
        return Text("finished", style="green")
    role, standing = min(unfinished.items(), key=lambda item: _ORDER.index(item[1].state))
    job = f", job {standing.job}" if standing.job else ""
    if standing.state == "failed" and standing.failure:
        return Text(f"{role} failed ({standing.failure.kind}): {standing.failure.says}{job}", style="red")
    if standing.state == "running":
        return Text(f"{role} {_progress(standing)}{job}", style="cyan")
    if standing.state == "queued":
        return Text(f"{role} queued ({standing.detail}){job}", style="blue")
    if standing.state == "unknown":
        return Text(f"{role} unknown: {standing.detail}", style="yellow")
    return Text(f"waits for {role}")


def _progress(standing: Standing) -> str:
    """'12/40 updates, 1.2/s, 23 s left, loss 2.31, 9,200 tokens/s'."""
    at, metrics = standing.progress, standing.metrics
    if not at:
        return "starting"
    parts = [f"{at['done']}/{at['total']} {at['unit']}", f"{at['rate']:.1f}/s"]
    if at["rate"] > 0:
        parts.append(f"{duration((at['total'] - at['done']) / at['rate'])} left")
    if "loss" in metrics:
        parts.append(f"loss {metrics['loss']:.3f}")
    if "tokens_per_second" in metrics:
        parts.append(f"{metrics['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(parts)


def _advice(plan: Plan, standings: Mapping[str, Standing]) -> Iterable[Text]:
    """One line a kind of failure and stage."""
    failed = ((plan.steps[name].stage, each.failure) for name, each in standings.items() if each.failure)
    lines = {f"{stage} failed ({failure.kind}): {failure.advice(stage)}" for stage, failure in failed}
    return [Text(line, style="yellow") for line in sorted(lines)]
