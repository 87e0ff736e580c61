"""Sweeps in any state, made of plans and states alone: what views are tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure
from mmprolong.settings.execution import Cluster, Job
from mmprolong.store.run_record import RunRecord
from mmprolong.sweep.state import StepState

LENGTHS = ("1x", "2x", "4x", "8x", "16x")
SHARED = {"corpus": "corpus", "synthesis.long": "synthesis", "samples.held": "samples"}
OWN = {"mixture.longpt": "mixture", "training.longpt": "training", "reply.held": "reply", "score.held": "score"}
SLURM = Cluster(
    name="slurm", launcher="slurm", gpu_price=2.5, jobs={"default": Job(cpus=8), "training": Job(gpus=8, minutes=1440)}
)
PROGRESS = {"done": 412, "total": 1280, "unit": "updates", "rate": 0.031, "time": 0.0}
METRICS = {"update": 412, "tokens": 1_728_053_248, "loss": 1.234, "tokens_per_second": 18250.0}


def sweep(labels: Sequence[str], seeds: int, cluster: Cluster | None = None, **known: Any) -> Plan:
    """A plan whose points share `SHARED` and have `OWN` for themselves."""
    steps = {role: _step(role, stage, f"a/{role}", "corpus") for role, stage in SHARED.items()}
    points = []
    for label in labels:
        for seed in range(seeds):
            mine: dict[str, str] = {}
            above = "synthesis.long"
            for role, stage in OWN.items():
                step = _step(f"{role}-{label}-{seed}", stage, f"a/{label}/s{seed}/{role}", above)
                mine[role], steps[step.id], above = step.id, step, step.id
            config = {"cluster": asdict(cluster or Cluster()), "suite": {}}
            points.append(Point(label=label, seed=seed, config=config, steps={**{r: r for r in SHARED}, **mine}))
    settled = {"ablation": "a", "question": "Which lengths?", "baseline": labels[0], "created": "2026-11-22T04:00:00"}
    return Plan(**{**settled, **known}, points=tuple(points), steps=steps)


def _step(name: str, stage: str, label: str, above: str) -> Step:
    needs = {} if stage == "corpus" else {"mixture": f"any/{above}"}
    return Step(id=name, stage=stage, settings={"mixture": {"tokens": 5_368_709_120}}, needs=needs, label=label)


def finished(stage: str, overall: float = 0.6) -> StepState:
    """Of a step that took an hour."""
    accuracy = {length: overall + 0.1 - 0.05 * place for place, length in enumerate(LENGTHS)}
    metrics = {"overall": overall, "accuracy": accuracy, "by_task": {"t": accuracy}} if stage == "score" else {}
    record = RunRecord(
        id="", stage=stage, version=1, settings={}, needs={}, metrics=metrics, outputs={}, seconds=3600.0
    )
    return StepState(state="finished", record=record)


RUNNING = StepState(state="running", job="4711_3", progress=PROGRESS, metrics=METRICS)
FAILED = StepState(state="failed", job="4711_4", failure=Failure("time", "Slurm: timeout on node17"))
QUEUED = StepState(state="queued", job="4711_5", detail="Priority")


def all_finished(plan: Plan) -> dict[str, StepState]:
    """Every step is; a row's score depends on its place."""
    rows = {label: place for place, label in enumerate(plan.labels)}
    scores = {point.steps["score.held"]: 0.5 + 0.02 * (rows[point.label] % 20) for point in plan.points}
    return {name: finished(step.stage, scores.get(name, 0.0)) for name, step in plan.steps.items()}


def under_way(plan: Plan, *states: str) -> dict[str, StepState]:
    """The points in turn stand at `states`: `finished`, or `<role>:<state>` with the rest waiting."""
    where = all_finished(plan)
    for place, point in enumerate(plan.points):
        role, _, state = states[place % len(states)].partition(":")
        if state:
            where.update(_from(point, role, _KNOWN[state]))
    return where


_KNOWN: Mapping[str, StepState] = {
    "running": RUNNING,
    "failed": FAILED,
    "queued": QUEUED,
    "open": StepState(state="open"),
    "unknown": StepState(state="unknown", job="4711_6", detail="Slurm does not know job 4711_6"),
}


def _from(point: Point, role: str, at: StepState) -> dict[str, StepState]:
    roles = list(OWN)
    after = StepState(state="blocked" if at.state == "failed" else "queued" if at.job else "open", job=at.job)
    rest = {point.steps[each]: after for each in roles[roles.index(role) + 1 :]}
    return {point.steps[role]: at, **rest}
