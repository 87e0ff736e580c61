"""How far a plan is and what the rest will take: time, hours of cores and GPUs, disk, money."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.settings.fields import identity
from mmprolong.settings.knobs import Cluster
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.preflight import nominal_seconds
from mmprolong.sweep.resources import job_of, parts_at_once, workers
from mmprolong.sweep.state import StepState

STATES = ("finished", "running", "queued", "open", "unknown", "blocked", "failed")
"""Of steps, from done to what needs help."""
_STUCK = ("failed", "blocked")
_SECONDS = 5.0
"""Expected time of a step of which neither the store nor the cluster's configuration says anything [s]."""
_MEGABYTES = 1.0
"""Expected size of such a step [MB]."""
_MEASURED = 50
"""Finished steps of a stage whose files are measured."""
_READ, _USED = 100, 20
"""Newest records of a stage that are read for an estimate, and of these those of the same kind that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What steps take, whatever the number of machines."""

    cpu: float
    """Of jobs without GPUs; a core that is reserved is paid for."""
    gpu: float

    def money(self, cluster: Cluster) -> float:
        """Return the price; 0 where the cluster's configuration names none."""
        return self.gpu * cluster.gpu_price + self.cpu * cluster.cpu_price


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A sweep in a few numbers."""

    counts: Mapping[str, int]
    """Steps by state, in the order of `STATES`; states of none are left out."""
    points: int
    points_finished: int
    used: Hours
    """By finished steps."""
    left: Hours
    """By all others."""
    seconds: float | None
    """Until all are finished but those that failed or hang on a failed one; None if none runs [s]."""
    width: int
    """Steps that run at once."""

    @property
    def steps(self) -> int:
        """Number of steps that the plan has."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """Number of finished ones."""
        return self.counts.get("finished", 0)

    @property
    def state(self) -> str:
        """`finished`, `running`, `queued`, `unknown`, or `stopped`: nothing runs, and nothing will by itself."""
        if self.finished == self.steps:
            return "finished"
        return next((state for state in ("running", "queued", "unknown") if state in self.counts), "stopped")


def totals(plan: Plan, where: Mapping[str, StepState], known: Mapping[str, float]) -> Totals:
    """Return the sum of all states.

    Args:
        known: as `known_seconds` has it.
    """
    counted, cluster = Counter(each.state for each in where.values()), plan.cluster
    seconds = expected_seconds(plan, where, cluster, known)
    going = {name: each for name, each in seconds.items() if where[name].state not in _STUCK}
    taken = {name: each.record.seconds for name, each in where.items() if each.record is not None}
    at_once = steps_at_once(cluster, where)
    done = sum(all(where[step].state == "finished" for step in point.steps.values()) for point in plan.points)
    return Totals(
        counts={state: counted[state] for state in STATES if counted[state]},
        points=len(plan.points),
        points_finished=done,
        used=hours(plan, taken, cluster),
        left=hours(plan, seconds, cluster),
        seconds=wall_time(plan, going, at_once, cluster) if at_once and going else None,
        width=at_once,
    )


def known_seconds(store: Store, plan: Plan, where: Mapping[str, StepState]) -> dict[str, float]:
    """Return the mean time by stage of what the store has finished of the same kind, of training for each token [s].

    Of unfinished stages. Steps are of one kind if they have the model in common, and the writer of questions.
    """
    found = {}
    for stage in {plan.steps[name].stage for name, each in where.items() if each.state != "finished"}:
        steps = islice((step for step in plan.steps.values() if step.stage == stage), _USED)
        kinds = [_kind(identity(settings_of(step))) for step in steps]
        alike = (record for record in _newest_records(store.root / stage) if _kind(record.settings) in kinds)
        times = [each.seconds / (each.metrics.get("tokens") or 1 if stage == "training" else 1) for each in alike]
        if times:
            found[stage] = fmean(times[:_USED])
    return found


def expected_seconds(
    plan: Plan, where: Mapping[str, StepState], cluster: Cluster, known: Mapping[str, float]
) -> dict[str, float]:
    """Return the time that every unfinished step still takes, its parts one after the other [s].

    As long as `known` says, training in proportion to its tokens; else training as it is predicted from its hardware,
    and other steps as long as the cluster's configuration says. One that runs goes on as it does.

    Raises:
        ConfigError: training asks for ranks that cannot share packs.
    """
    found: dict[str, float] = {}
    for name, state in where.items():
        stage, left = plan.steps[name].stage, seconds_left(state)
        if state.state == "finished":
            continue
        if left is not None:
            found[name] = left
        elif stage == "training":
            predicted = None if stage in known else nominal_seconds(plan, name, cluster)
            found[name] = known[stage] * _tokens(plan, name) if stage in known else predicted or _SECONDS
        else:
            found[name] = known.get(stage, cluster.step_seconds.get(stage, _SECONDS))
    return found


def based_on(plan: Plan, where: Mapping[str, StepState], cluster: Cluster, known: Mapping[str, float]) -> str:
    """Say what `expected_seconds` rests on, by stage: 'this store: training; cluster=local: score'."""
    of = f" (times of {cluster.times_of})" if cluster.times_of else ""
    sources: dict[str, list[str]] = defaultdict(list)
    unfinished = {plan.steps[name].stage for name, each in where.items() if each.state != "finished"}
    for stage in (stage for stage in STAGES if stage in unfinished):
        if stage in known:
            source = "this store"
        elif stage == "training" and all(_predicted(plan, where, cluster)):
            source = f"what {cluster.hardware.name} can do"
        elif stage in cluster.step_seconds:
            source = f"cluster={cluster.name}{of}"
        else:
            source = f"nothing ({_SECONDS:g} s each)"
        sources[source].append(stage)
    return "; ".join(f"{source}: {', '.join(stages)}" for source, stages in sources.items())


def _predicted(plan: Plan, where: Mapping[str, StepState], cluster: Cluster) -> Iterator[float | None]:
    """Yield the predicted time of the unfinished training steps [s]."""
    names = (name for name, each in where.items() if each.state != "finished")
    return (nominal_seconds(plan, name, cluster) for name in names if plan.steps[name].stage == "training")


def wall_time(plan: Plan, seconds: Mapping[str, float], width: int, cluster: Cluster) -> float:
    """Return the time in which `width` steps at once do what takes `seconds` each: at least their longest chain [s]."""
    chain: dict[str, float] = {}
    for name, step in plan.steps.items():
        below = (chain[each] for each in step.inputs.values())
        own = seconds.get(name, 0.0) / parts_at_once(cluster, step)
        chain[name] = own + max(below, default=0.0)
    return max(sum(seconds.values()) / width, max(chain.values(), default=0.0))


def steps_at_once(cluster: Cluster, where: Mapping[str, StepState]) -> int:
    """Return the steps that run at once: the workers of this machine, or what Slurm runs now; 0 if that is nothing."""
    if cluster.launcher == "slurm":
        return sum(each.state == "running" for each in where.values())
    return workers(cluster)


def hours(plan: Plan, seconds: Mapping[str, float], cluster: Cluster) -> Hours:
    """Return what steps that take `seconds` each reserve."""
    cpu = gpu = 0.0
    for name, each in seconds.items():
        job = job_of(cluster, plan.steps[name])
        if job.gpus:
            gpu += each * job.nodes * job.gpus / 3600
        else:
            cpu += each * job.nodes * job.cpus / 3600
    return Hours(cpu=cpu, gpu=gpu)


def megabytes(store: Store, plan: Plan, where: Mapping[str, StepState], cluster: Cluster) -> float:
    """Return what the unfinished steps will write [MB]."""
    sizes: dict[str, list[float]] = defaultdict(list)
    for name in sorted(name for name, each in where.items() if each.record is not None):
        stage = plan.steps[name].stage
        if len(sizes[stage]) < _MEASURED:
            files = (path for path in store.folder(stage, name).rglob("*") if path.is_file())
            sizes[stage].append(sum(path.stat().st_size for path in files) / 1e6)
    rest = (plan.steps[name].stage for name, each in where.items() if each.state != "finished")
    known = {**cluster.step_megabytes, **{stage: fmean(found) for stage, found in sizes.items()}}
    return sum(known.get(stage, _MEGABYTES) for stage in rest)


def seconds_left(state: StepState) -> float | None:
    """Return the time until a running step is finished, by its own rate; None if it does not say [s]."""
    progress = state.progress
    if not progress or progress["rate"] <= 0:
        return None
    return (progress["total"] - progress["done"]) / progress["rate"]


def _tokens(plan: Plan, training: str) -> int:
    mixture = plan.steps[training].inputs["mixture"]
    return int(plan.steps[mixture].settings["mixture"]["tokens"])


class _Taken(NamedTuple):
    """What is read of a record."""

    settings: dict[str, Any]
    metrics: dict[str, Any]
    seconds: float


def _newest_records(folder: Path) -> Iterator[_Taken]:
    """Yield the newest records of a stage; one that is damaged is left out: an estimate does without it."""
    paths = [path for path in folder.glob(f"*/{DONE}") if path.exists()]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)[:_READ]:
        try:
            record = json.loads(path.read_bytes())
            yield _Taken(record["settings"], record["metrics"], record["seconds"])
        except (OSError, ValueError, KeyError):
            continue


def _kind(settings: Mapping[str, Any]) -> object:
    """Return what of the settings that name a step decides most how long it takes; its size is not among it."""
    return settings.get("model"), settings.get("backbone"), settings.get("source", {}).get("writer")
