"""A sweep in the terminal: its plan with the expected cost, its progress, the state of every point."""

from collections import Counter
from collections.abc import Iterator, Mapping
from statistics import fmean

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import PROBE
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep import estimate
from mmprolong.sweep.estimate import STATES, ComputeCost, seconds_left, totals
from mmprolong.sweep.logs import group_failures, last_words
from mmprolong.sweep.resources import workers
from mmprolong.sweep.state import StepState

_HEADINGS = {"finished": "done", "open": "to do"}
"""Headings of states that always have a column; the others have one if a step is in that state."""
_ORDER = ("failed", "running", "queued", "unknown", "open", "blocked")
"""Order of states, the first of which a point shows if its steps are in several."""
_SPEAKING = ("failed", "running", "unknown")
"""States that are shown with the last line of the log."""
_STYLES = {"failed": "red", "running": "cyan", "queued": "blue", "unknown": "yellow"}


def plan_table(plan: Plan, states: Mapping[str, StepState]) -> Table:
    """Return the number of steps by stage: asked for by all points, different ones, and those in each state."""
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
    return table


def progress_view(plan: Plan, states: Mapping[str, StepState]) -> RenderableType:
    """Return a line for the sweep and for every running step, then the failures."""
    total = totals(plan, states)
    left = f", about {duration(total.seconds)} left" if total.seconds else ""
    lines = [Text(f"{total.finished}/{total.steps} steps{left}", style="bold")]
    for name, at in sorted(states.items()):
        if at.state == "running":
            lines.append(Text(f"  {plan.steps[name].stage} {plan.steps[name].label}: {progress_text(at)}"))
    return Group(*lines, *failures(plan, states))


def ended_line(plan: Plan, name: str, states: Mapping[str, StepState]) -> str:
    """Return a line for a step that has ended: '12/40 training/a-1 (length_dist/b/s0): finished in 31 s'."""
    step, at = plan.steps[name], states[name]
    done = sum(each.state == "finished" for each in states.values())
    how = f"failed: {at.failure.message}" if at.failure else "finished"
    took = f" in {duration(at.record.seconds)}" if at.record else ""
    return f"{done}/{len(states)} {step.path} ({step.label}): {how}{took}"


def failures(plan: Plan, states: Mapping[str, StepState]) -> list[Text]:
    """Return a line for each failed step, and one for all blocked steps."""
    failed = {plan.steps[name].label: each.failure for name, each in states.items() if each.failure}
    lines = [Text(f"failed: {label}: {failure.message}", style="red") for label, failure in failed.items()]
    blocked = sum(each.state == "blocked" for each in states.values())
    if blocked:
        lines.append(Text(f"{blocked} steps need a failed one and were not run", style="yellow"))
    return lines


def status_view(store: Store, plan: Plan, states: Mapping[str, StepState]) -> RenderableType:
    """Return a row for each point with its finished steps, state and score; then advice about failures."""
    table = Table(title=f"{plan.ablation}: {plan.question}", title_justify="left", caption_justify="left")
    for column in ("point", "seed", "steps", "state", "overall [%]"):
        table.add_column(column, justify="left" if column in ("point", "state") else "right", overflow="fold")
    for point in plan.points:
        done = sum(states[name].state == "finished" for name in point.steps.values())
        score = run_scores(point, states).get("overall") if done == len(point.steps) else None
        overall = "-" if score is None else f"{100 * score:.1f}"
        steps = f"{done}/{len(point.steps)}"
        table.add_row(point.label, str(point.seed), steps, _point_state(store, plan, point, states), overall)
    total = totals(plan, states)
    left = f", about {duration(total.seconds)} left at {total.width} at once" if total.seconds else ""
    costs = {"; used": cost_line(total.used), "; left": cost_line(total.left)}
    hours = "".join(f"{name} {line}" for name, line in costs.items() if line)
    table.caption = f"{total.finished} of {total.steps} steps{left}{hours}"
    groups = group_failures(store, plan, states)
    advice = (f"{each.steps[0].stage} failed ({each.kind}): {each.advice}" for each in groups)
    return Group(table, *(Text(line, style="yellow") for line in advice))


def run_scores(point: Point, states: Mapping[str, StepState]) -> dict[str, float]:
    """Return the mean score of a run as `overall`, and its means by length or, if there are several, by benchmark.

    Empty if the run is not finished.
    """
    records = {name: states[step].record for name, step in point.scores.items()}
    metrics = {name: record.metrics for name, record in records.items() if record}
    if not metrics or len(metrics) < len(records):
        return {}
    means = {name: each["overall"] for name, each in metrics.items()}
    probes = {name for name, each in metrics.items() if all(task.startswith(PROBE) for task in each["by_task"])}
    parts = means if len(means) > 1 else next(iter(metrics.values()))["accuracy"]
    counted = [mean for name, mean in means.items() if name not in probes or len(probes) == len(means)]
    return {"overall": fmean(counted), **parts}


def estimate_lines(store: Store, plan: Plan, states: Mapping[str, StepState]) -> Iterator[str]:
    """Yield the expected cost of the unfinished steps, and the basis of that number; nothing if all are finished."""
    cluster, expected = plan.cluster, estimate.expect(plan, states)
    seconds = {name: each.seconds for name, each in expected.items()}
    if seconds:
        wall = duration(estimate.wall_time(plan, seconds, workers(cluster)))
        total = cost_line(estimate.cost(plan, seconds), estimate.megabytes(store, plan, states))
        yield f"estimated: {total}" if cluster.launcher == "slurm" else f"estimated: {wall}; {total}"
        yield f"  by {estimate.basis(plan, expected)}"


def cost_line(total: ComputeCost, size: float = 0) -> str:
    """Return '12.0 GPU-hours, 0.35 CPU-hours, 120 MB on disk, price 31.0'; zeros are left out.

    Args:
        size: size on disk [MB].
    """
    parts = {
        f"{_amount(total.gpu)} GPU-hours": total.gpu,
        f"{_amount(total.cpu)} CPU-hours": total.cpu,
        (f"{size / 1000:,.1f} GB" if size >= 1000 else f"{size:.0f} MB") + " on disk": size,
        f"price {_amount(total.money)}": total.money,
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


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
