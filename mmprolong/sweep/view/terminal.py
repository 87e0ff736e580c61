"""A sweep in the terminal: its plan and what that costs, its progress, where every point stands."""

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import fmean

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep.commands import again
from mmprolong.sweep.estimate import STATES, Hours, known_seconds, seconds_left, totals
from mmprolong.sweep.state import StepState, last_words

_HEADINGS = {"finished": "done", "open": "to do"}
"""Of states that always have a column; the others have one if a step stands so."""
_ORDER = ("failed", "running", "queued", "unknown", "open", "blocked")
"""What a point is said to do if its steps do several things."""
_SPEAKING = ("failed", "running", "unknown")
"""States in which the last line of a log tells something."""
_STYLES = {"failed": "red", "running": "cyan", "queued": "blue", "unknown": "yellow"}


def plan_table(plan: Plan, states: Mapping[str, StepState]) -> Table:
    """Return points by stage: how many steps they ask for, how many different ones, and where these stand."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    counts = Counter((plan.steps[name].stage, each.state) for name, each in states.items())
    shown = [state for state in STATES if state in _HEADINGS or any(state == other for _, other in counts)]
    for column in ("stage", "asked for", "different", *(_HEADINGS.get(state, state) for state in shown)):
        table.add_column(column, justify="left" if column == "stage" else "right")
    asked = Counter(plan.steps[name].stage for point in plan.points for name in point.steps.values())
    different = Counter(step.stage for step in plan.steps.values())
    for stage in (stage for stage in STAGES if different[stage]):
        table.add_row(stage, *map(str, (asked[stage], different[stage], *(counts[stage, state] for state in shown))))
    seeds = ", ".join(map(str, plan.seeds))
    table.caption = f"{len(plan.points)} points = {len(plan.labels)} rows x seeds {seeds}"
    gone = sum(each.state == "finished" and each.record is None for each in states.values())
    if gone:
        table.caption += f"\n{gone} of the steps done are not in the store any more; nothing that is to do needs them"
    return table


def progress_view(plan: Plan, states: Mapping[str, StepState], known: Mapping[str, float]) -> RenderableType:
    """Return bars for the whole and for every running step; then what failed."""
    total = totals(plan, states, known)
    left = f"about {duration(total.seconds)} left" if total.seconds else ""
    parts: list[RenderableType] = [bar("steps", total.finished, total.steps, left)]
    for name, each in sorted(states.items()):
        if each.state == "running":
            step, at = plan.steps[name], each.progress
            rate = f"{per_second(at['rate'])}, {at['unit']}" if at else "starting"
            parts.append(bar(f"  {step.stage} {step.label}", at.get("done", 0), at.get("total", 0), rate))
    return Group(*parts, *failures(plan, states))


def ended_line(plan: Plan, name: str, states: Mapping[str, StepState]) -> str:
    """Return the line of a step that has ended: '12/40 training/a-1 (length_dist/b/s0): finished in 31 s'."""
    step, at = plan.steps[name], states[name]
    done = sum(each.state == "finished" for each in states.values())
    how = f"failed: {at.failure.message}" if at.failure else "finished"
    took = f" in {duration(at.record.seconds)}" if at.record else ""
    return f"{done}/{len(states)} {step.path} ({step.label}): {how}{took}"


def failures(plan: Plan, states: Mapping[str, StepState]) -> list[Text]:
    """Return one line a failed step, one for all that hang on them."""
    failed = {plan.steps[name].label: each.failure for name, each in states.items() if each.failure}
    lines = [Text(f"failed: {label}: {failure.message}", style="red") for label, failure in failed.items()]
    blocked = sum(each.state == "blocked" for each in states.values())
    if blocked:
        lines.append(Text(f"{blocked} steps need a failed one and were not run", style="yellow"))
    return lines


def status_view(store: Store, plan: Plan, states: Mapping[str, StepState]) -> RenderableType:
    """Return every point: steps done, what runs, waits or failed, its score; then what can be done about failures."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    for column in ("point", "seed", "steps", "state", "overall [%]"):
        table.add_column(column, justify="left" if column in ("point", "state") else "right", overflow="fold")
    for point in plan.points:
        done = sum(states[name].state == "finished" for name in point.steps.values())
        score = run_scores(point, states).get("overall") if done == len(point.steps) else None
        overall = "-" if score is None else f"{100 * score:.1f}"
        steps = f"{done}/{len(point.steps)}"
        table.add_row(point.label, str(point.seed), steps, _point_state(store, plan, point, states), overall)
    total = totals(plan, states, known_seconds(store, plan, states))
    left = f", about {duration(total.seconds)} left at {total.width} at once" if total.seconds else ""
    costs = {"used": cost_line(total.used, 0), "left": cost_line(total.left, 0)}
    hours = ", ".join(f"{name} {cost}" for name, cost in costs.items() if cost)
    table.caption = f"{total.finished} of {total.steps} steps{left}" + (f"; {hours}" if hours else "")
    return Group(table, *_advice(store, plan, states))


def run_scores(point: Point, states: Mapping[str, StepState]) -> dict[str, float]:
    """Return the headline score of a run as `overall`, and its parts: lengths of the benchmark, or several benchmarks.

    Empty if it is not finished.
    """
    records = {name: states[step].record for name, step in point.scores.items()}
    metrics = {name: record.metrics for name, record in records.items() if record}
    if not metrics or len(metrics) < len(records):
        return {}
    means = {name: each["overall"] for name, each in metrics.items()}
    parts = means if len(means) > 1 else next(iter(metrics.values()))["accuracy"]
    return {"overall": fmean(means.values()), **parts}


def cost_line(hours: Hours, money: float, megabytes: float = 0) -> str:
    """Return '12.0 GPU-hours, 0.35 CPU-hours, 120 MB on disk, price 31.0'; what is nothing is left out."""
    size = f"{megabytes / 1000:,.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
    parts = {
        f"{_amount(hours.gpu)} GPU-hours": hours.gpu,
        f"{_amount(hours.cpu)} CPU-hours": hours.cpu,
        f"{size} on disk": megabytes,
        f"price {_amount(money)}": money,
    }
    return ", ".join(text for text, value in parts.items() if value)


def duration(seconds: float) -> str:
    """Return '45 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def per_second(rate: float) -> str:
    """Return '0.031/s', '1.2/s', '120/s'."""
    return f"{rate:.2g}/s" if rate < 10 else f"{rate:,.0f}/s"


def _point_state(store: Store, plan: Plan, point: Point, states: Mapping[str, StepState]) -> Text:
    unfinished = {role: states[name] for role, name in point.steps.items() if states[name].state != "finished"}
    if not unfinished:
        return Text("finished", style="green")
    role, at = min(unfinished.items(), key=lambda item: _ORDER.index(item[1].state))
    step = plan.steps[point.steps[role]]
    words = last_words(store.folder(step.stage, step.id), at, 1) if at.state in _SPEAKING else []
    head = Text(_step_state(role, at), style=_STYLES.get(at.state, ""))
    return Text("\n").join([head, *(Text(f"  {line.strip()}", style="dim") for line in words)])


def _step_state(role: str, at: StepState) -> str:
    job = f", job {at.job}" if at.job else ""
    if at.state == "failed" and at.failure:
        return f"{role} failed ({at.failure.kind}): {at.failure.message}{job}"
    if at.state == "running":
        return f"{role} {progress_text(at)}{job}"
    if at.state == "queued":
        return f"{role} queued ({at.detail}){job}"
    return f"{role} unknown: {at.detail}" if at.state == "unknown" else f"waits for {role}"


def progress_text(state: StepState) -> str:
    """Return '12/40 updates, 1.2/s, 23 s left, loss 2.31, 9,200 tokens/s'."""
    at, metrics, left = state.progress, state.metrics, seconds_left(state)
    if not at:
        return "starting"
    parts = [f"{at['done']}/{at['total']} {at['unit']}", per_second(at["rate"])]
    if left is not None:
        parts.append(f"{duration(left)} left")
    if "loss" in metrics:
        parts.append("loss nan" if metrics["loss"] is None else f"loss {metrics['loss']:.3f}")
    if "tokens_per_second" in metrics:
        parts.append(f"{metrics['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(parts)


def _advice(store: Store, plan: Plan, states: Mapping[str, StepState]) -> Iterable[Text]:
    """Return one line a kind of failure and stage."""
    failed = ((plan.steps[name], each.failure) for name, each in states.items() if each.failure)
    told = ((step.stage, failure, again(store, plan, step, failure.kind)) for step, failure in failed)
    lines = {f"{stage} failed ({failure.kind}): {failure.advice(stage, command)}" for stage, failure, command in told}
    return [Text(line, style="yellow") for line in sorted(lines)]


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def bar(name: str, done: int, total: int, note: str) -> Table:
    """Draw how much of something is done."""
    row = Table.grid(padding=(0, 1))
    row.add_column(width=58, no_wrap=True)
    row.add_row(name, ProgressBar(total=total or None, completed=done, width=30), f"{done}/{total}", note)
    return row
