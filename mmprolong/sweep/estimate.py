"""What the rest of a plan will take: time, hours of cores and GPUs, disk, money. Before and while it runs."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.settings.knobs import Cluster
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of, workers
from mmprolong.sweep.standing import Standing

_SECONDS = 5.0
"""Expected time of a step of which neither the store nor the cluster's configuration says anything [s]."""
_MEGABYTES = 1.0
"""Expected size of such a step [MB]."""
_MEASURED = 50
"""Finished steps of a stage whose files are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What steps take, whatever the number of machines."""

    cpu: float
    """Of jobs without GPUs; a core that is reserved is paid for."""
    gpu: float

    def money(self, cluster: Cluster) -> float:
        """0 where the cluster's configuration names no price."""
        return self.gpu * cluster.gpu_price + self.cpu * cluster.cpu_price


def expected(
    plan: Plan, where: Mapping[str, Standing], cluster: Cluster, usual: Mapping[str, float]
) -> dict[str, float]:
    """Wall time that every unfinished step still takes [s].

    A step is expected to take as long as the plan's finished steps of its stage did, training in proportion to its
    tokens; where none is finished, as long as is usual in the store; else as long as the cluster's configuration says.
    One that runs goes on as it does.

    Args:
        usual: as `usual_seconds` has it.
    """
    means = {**usual, **_own_means(plan, where)}
    left = {name: time_left(each) for name, each in where.items() if each.state != "finished"}
    return {
        name: _expected(plan, plan.steps[name], means, cluster) if each is None else each for name, each in left.items()
    }


def based_on(plan: Plan, where: Mapping[str, Standing], cluster: Cluster, usual: Mapping[str, float]) -> str:
    """What `expected` rests on, by stage of the unfinished steps: 'this sweep: corpus; this store: training'."""
    own = _own_means(plan, where)
    of = f" (times of {cluster.times_of})" if cluster.times_of else ""
    sources: dict[str, list[str]] = defaultdict(list)
    asked = {plan.steps[name].stage for name, each in where.items() if each.state != "finished"}
    for stage in (stage for stage in STAGES if stage in asked):
        told = stage == "training" or stage in cluster.step_seconds
        config = f"cluster={cluster.name}{of}" if told else f"nothing ({_SECONDS:g} s each)"
        sources["this sweep" if stage in own else "this store" if stage in usual else config].append(stage)
    return "; ".join(f"{source}: {', '.join(stages)}" for source, stages in sources.items())


def _own_means(plan: Plan, where: Mapping[str, Standing]) -> dict[str, float]:
    """Mean wall time of the plan's finished steps by stage, of training for each token [s]."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for name, each in where.items():
        if each.record is not None:
            step = plan.steps[name]
            seconds[step.stage].append(each.record.seconds / (_tokens(plan, step) or 1))
    return {stage: fmean(each) for stage, each in seconds.items()}


def spent(where: Mapping[str, Standing]) -> dict[str, float]:
    """Wall time that every finished step took, in the attempts that its result stands on [s]."""
    return {name: each.record.seconds for name, each in where.items() if each.record is not None}


def wall_time(plan: Plan, seconds: Mapping[str, float], width: int) -> float:
    """Time in which `width` steps at once do what takes `seconds` each: no less than their longest chain [s]."""
    chain: dict[str, float] = {}
    for name, step in plan.steps.items():
        below = (chain[each] for each in step.inputs.values())
        chain[name] = seconds.get(name, 0.0) + max(below, default=0.0)
    return max(sum(seconds.values()) / width, max(chain.values(), default=0.0))


def width(cluster: Cluster, where: Mapping[str, Standing]) -> int:
    """Steps that run at once: the workers of this machine, or what Slurm runs now; 0 if that is nothing."""
    if cluster.launcher == "slurm":
        return sum(each.state == "running" for each in where.values())
    return workers(cluster)


def hours(plan: Plan, seconds: Mapping[str, float], cluster: Cluster) -> Hours:
    """What steps that take `seconds` each reserve."""
    cpu = gpu = 0.0
    for name, each in seconds.items():
        job = job_of(cluster, plan.steps[name].stage)
        if job.gpus:
            gpu += each * job.nodes * job.gpus / 3600
        else:
            cpu += each * job.nodes * job.cpus / 3600
    return Hours(cpu=cpu, gpu=gpu)


def megabytes(store: Store, plan: Plan, where: Mapping[str, Standing], cluster: Cluster) -> float:
    """What the unfinished steps will write [MB]."""
    sizes: dict[str, list[float]] = defaultdict(list)
    for name in sorted(name for name, each in where.items() if each.record is not None):
        stage = plan.steps[name].stage
        if len(sizes[stage]) < _MEASURED:
            files = (path for path in store.folder(stage, name).rglob("*") if path.is_file())
            sizes[stage].append(sum(path.stat().st_size for path in files) / 1e6)
    rest = (plan.steps[name].stage for name, each in where.items() if each.state != "finished")
    known = {**cluster.step_megabytes, **{stage: fmean(found) for stage, found in sizes.items()}}
    return sum(known.get(stage, _MEGABYTES) for stage in rest)


def time_left(at: Standing) -> float | None:
    """Time until a running step is finished, by its own rate; None if it does not run or does not say [s]."""
    progress = at.progress
    if not progress or progress["rate"] <= 0:
        return None
    return (progress["total"] - progress["done"]) / progress["rate"]


def _expected(plan: Plan, step: Step, means: Mapping[str, float], cluster: Cluster) -> float:
    tokens = _tokens(plan, step)
    if step.stage in means:
        return means[step.stage] * (tokens or 1)
    if tokens:
        return tokens / cluster.training_tokens_per_second
    return cluster.step_seconds.get(step.stage, _SECONDS)


def _tokens(plan: Plan, step: Step) -> int:
    """Training tokens of a step; 0 for other stages."""
    if step.stage != "training":
        return 0
    mixture = plan.steps[step.inputs["mixture"]]
    return int(mixture.settings["mixture"]["tokens"])
