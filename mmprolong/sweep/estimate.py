"""What the rest of a plan will take: time, hours of cores and GPUs, disk, money. Before and while it runs."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mmprolong.artifacts import Store
from mmprolong.config import Cluster, Job
from mmprolong.plans import Plan
from mmprolong.stages import Step

_SECONDS = 5.0
"""Expected time of a step of which neither the store nor the cluster's configuration says anything [s]."""
_MEGABYTES = 1.0
"""Expected size of such a step [MB]."""
_MEASURED = 50
"""Finished steps of a stage whose files are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a set of steps asks for."""

    cpu_hours: float
    """Of jobs without GPUs; a core that is reserved is paid for."""
    gpu_hours: float
    megabytes: float
    money: float
    """0 where the cluster's configuration names no price."""


def job_of(cluster: Cluster, stage: str) -> Job:
    """What a step of a stage asks the cluster for; one core on this machine."""
    return cluster.jobs.get(stage) or cluster.jobs.get("default") or Job()


def estimate(store: Store, plan: Plan, finished: set[str], cluster: Cluster) -> float:
    """Expected wall time of the unfinished steps on this machine's workers [s].

    A step is expected to take as long as the finished steps of its stage did, training in proportion to its tokens;
    where none is finished, as long as the cluster's configuration says.
    """
    work = sum(_expectations(store, plan, finished, cluster).values())
    return work / (cluster.processes or len(os.sched_getaffinity(0)))


def cost(store: Store, plan: Plan, finished: set[str], cluster: Cluster) -> Cost:
    """What the unfinished steps will take, whatever the number of machines."""
    cpu_hours = gpu_hours = 0.0
    for name, seconds in _expectations(store, plan, finished, cluster).items():
        job = job_of(cluster, plan.steps[name].stage)
        if job.gpus:
            gpu_hours += seconds * job.nodes * job.gpus / 3600
        else:
            cpu_hours += seconds * job.nodes * job.cpus / 3600
    return Cost(
        cpu_hours=cpu_hours,
        gpu_hours=gpu_hours,
        megabytes=_megabytes(store, plan, finished, cluster),
        money=gpu_hours * cluster.gpu_price + cpu_hours * cluster.cpu_price,
    )


def _expectations(store: Store, plan: Plan, finished: set[str], cluster: Cluster) -> dict[str, float]:
    """Expected wall time of every unfinished step [s]."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for name in finished:
        step = plan.steps[name]
        record = store.record(step.stage, name)
        if record is not None:
            seconds[step.stage].append(record.seconds / (_tokens(plan, step) or 1))
    rest = (step for name, step in plan.steps.items() if name not in finished)
    return {step.id: _expected(plan, step, seconds, cluster) for step in rest}


def _expected(plan: Plan, step: Step, seconds: Mapping[str, Sequence[float]], cluster: Cluster) -> float:
    tokens = _tokens(plan, step)
    if seconds[step.stage]:
        return fmean(seconds[step.stage]) * (tokens or 1)
    if tokens:
        return tokens / cluster.training_tokens_per_second
    return cluster.step_seconds.get(step.stage, _SECONDS)


def _megabytes(store: Store, plan: Plan, finished: set[str], cluster: Cluster) -> float:
    sizes: dict[str, list[float]] = defaultdict(list)
    for name in sorted(finished):
        stage = plan.steps[name].stage
        if len(sizes[stage]) < _MEASURED:
            files = (path for path in store.folder(stage, name).rglob("*") if path.is_file())
            sizes[stage].append(sum(path.stat().st_size for path in files) / 1e6)
    rest = (step.stage for name, step in plan.steps.items() if name not in finished)
    known = {**cluster.step_megabytes, **{stage: fmean(found) for stage, found in sizes.items()}}
    return sum(known.get(stage, _MEGABYTES) for stage in rest)


def _tokens(plan: Plan, step: Step) -> int:
    """Training tokens of a step; 0 for other stages."""
    if step.stage != "training":
        return 0
    mixture = plan.steps[step.needs["mixture"].partition("/")[2]]
    return int(mixture.settings["mixture"]["tokens"])
