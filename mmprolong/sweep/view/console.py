"""A sweep in the terminal: its plan, its progress, the state of every point, the expected cost of the rest."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep.estimate import cost, expect, seconds_left, wall_time
from mmprolong.sweep.logs import failure_lines
from mmprolong.sweep.resources import workers
from mmprolong.sweep.state import StepState

_ORDER = ("failed", "running", "queued", "unknown", "open", "blocked")
"""Order of states, the first of which a point shows if its steps are in several."""
_STYLES = {"failed": "red", "running": "cyan", "queued": "blue", "unknown": "yellow"}


def plan_table(plan: Plan, states: Mapping[str, StepState]) -> Table:
    """Return the number of steps by stage: asked for by all points, different ones, finished ones."""
    caption = f"{len(plan.points)} points in {len(plan.labels)} rows"
    table = _table(plan, caption, "stage", "asked for", "different", "done")
    asked = Counter(plan.steps[name].stage for point in plan.points for name in point.steps.values())
    different = Counter(step.stage for step in plan.steps.values())
    done = Counter(plan.steps[name].stage for name, at in states.items() if at.state == "finished")
    for stage in (stage for stage in STAGES if different[stage]):
        table.add_row(stage, str(asked[stage]), str(different[stage]), str(done[stage]))
    return table


def progress_view(store: Store, plan: Plan, states: Mapping[str, StepState]) -> RenderableType:
    """Return a line for the sweep and for every running step, then the failures."""
    running = ((plan.steps[name], at) for name, at in sorted(states.items()) if at.state == "running")
    lines = (Text(f"  {step.stage} {step.label}: {progress_text(at)}") for step, at in running)
    return Group(Text(summary(plan, states), style="bold"), *lines, *_failures(store, plan, states))


def ended_line(plan: Plan, name: str, states: Mapping[str, StepState]) -> str:
    """Return a line for a step that has ended: '12/40 training/a-1 (length_dist/b/s0): finished in 31 s'."""
    step, at = plan.steps[name], states[name]
    done = sum(each.state == "finished" for each in states.values())
    how = f"failed: {at.failure.message}" if at.failure else "finished"
    took = f" in {duration(at.record.seconds)}" if at.record else ""
    return f"{done}/{len(states)} {step.path} ({step.label}): {how}{took}"


def status_view(store: Store, plan: Plan, states: Mapping[str, StepState]) -> RenderableType:
    """Return a row for each point with its finished steps, state and score; then advice about failures."""
    table = _table(plan, summary(plan, states), "point", "seed", "steps", "state", "scores [%]")
    for point in plan.points:
        done = sum(states[name].state == "finished" for name in point.steps.values())
        scores = (f"{name} {100 * mean:.1f}" for name, mean in run_scores(point, states).items())
        steps = f"{done}/{len(point.steps)}"
        table.add_row(point.label, str(point.seed), steps, _point_state(point, states), ", ".join(scores))
    return Group(table, *_failures(store, plan, states))


def run_scores(point: Point, states: Mapping[str, StepState]) -> dict[str, float]:
    """Return the mean score of a run by benchmark, of those that are finished."""
    records = {name: states[step].record for name, step in point.scores.items()}
    return {name: record.metrics["overall"] for name, record in records.items() if record}


def summary(plan: Plan, states: Mapping[str, StepState]) -> str:
    """Return '8 of 40 steps, about 3.5 h left at 4 at once; used 8.0 GPU-hours; left 24 GPU-hours'.

    The time is left out where nothing runs, or can run.
    """
    seconds = {name: each.seconds for name, each in expect(plan, states).items()}
    going = {name: each for name, each in seconds.items() if states[name].state not in ("failed", "blocked")}
    taken = {name: at.record.seconds for name, at in states.items() if at.record is not None}
    running = sum(at.state == "running" for at in states.values())
    width = running if plan.cluster.launcher == "slurm" else workers(plan.cluster)
    finished = sum(at.state == "finished" for at in states.values())
    wall = duration(wall_time(plan, going, width)) if width and going else ""
    parts = [f"{finished} of {len(states)} steps" + (f", about {wall} left at {width} at once" if wall else "")]
    costs = {"used": _cost_line(plan, taken), "left": _cost_line(plan, seconds)}
    return "; ".join([*parts, *(f"{name} {line}" for name, line in costs.items() if line)])


def _table(plan: Plan, caption: str, *columns: str) -> Table:
    whole = (Column(each, overflow="fold") for each in columns)
    title = f"{plan.ablation}: {plan.question}"
    return Table(*whole, title=title, caption=caption, title_justify="left", caption_justify="left")


def _failures(store: Store, plan: Plan, states: Mapping[str, StepState]) -> list[Text]:
    return [Text(line, style="yellow") for line in failure_lines(store, plan, states)]


def _cost_line(plan: Plan, seconds: Mapping[str, float]) -> str:
    """Return '12.0 GPU-hours, 0.35 CPU-hours, price 31.0'; zeros are left out."""
    forms = zip(("{} GPU-hours", "{} CPU-hours", "price {}"), cost(plan, seconds), strict=True)
    return ", ".join(form.format(_amount(value)) for form, value in forms if value)


def duration(seconds: float) -> str:
    """Return '45 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _point_state(point: Point, states: Mapping[str, StepState]) -> Text:
    unfinished = {role: states[name] for role, name in point.steps.items() if states[name].state != "finished"}
    if not unfinished:
        return Text("finished", style="green")
    role, at = min(unfinished.items(), key=lambda item: _ORDER.index(item[1].state))
    job = f", job {at.job}" if at.job else ""
    shown = {
        "failed": f"{role} failed ({at.failure.kind}): {at.failure.message}{job}" if at.failure else "",
        "running": f"{role} {progress_text(at)}{job}",
        "queued": f"{role} queued ({at.detail}){job}",
        "unknown": f"{role} unknown: {at.detail}",
    }
    return Text(shown.get(at.state) or f"waits for {role}", style=_STYLES.get(at.state, ""))


def progress_text(state: StepState) -> str:
    """Return '12/40 updates, 1.2/s, 23 s left, loss 2.31, 9,200 tokens/s'."""
    at, metrics, left = state.progress, state.metrics, seconds_left(state)
    if not at:
        return "starting"
    parts = [f"{at['done']}/{at['total']} {at['unit']}", f"{_amount(at['rate'])}/s"]
    if left is not None:
        parts.append(f"{duration(left)} left")
    if "loss" in metrics:
        parts.append("loss nan" if metrics["loss"] is None else f"loss {metrics['loss']:.3f}")
    if "tokens_per_second" in metrics:
        parts.append(f"{metrics['tokens_per_second']:,.0f} tokens/s")
    return ", ".join(parts)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
