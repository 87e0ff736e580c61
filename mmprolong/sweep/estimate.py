"""What the unfinished steps of a plan are expected to take: time, hours of cores and GPUs, money."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

from mmprolong.mixture.counterfactual import read_measured, read_packs
from mmprolong.mixture.expected_packs import nominal_packs
from mmprolong.models.odometer import a4_tokens
from mmprolong.models.shapes import Shape, find_shape, shape_of
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.pipeline.steps import Step, stage_of
from mmprolong.settings.execution import Cluster
from mmprolong.settings.stages import STAGES, MixtureSettings, TrainingSettings
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of, parts_at_once
from mmprolong.sweep.state import StepState
from mmprolong.training.parallelism import parallelism_of
from mmprolong.training.preflight import Packs, Preflight

_SECONDS = 5.0
"""Expected time of a step of a stage without a finished step and without an entry in the configuration [s]."""
_UPDATES = 8
"""Updates that are drawn before the mixture is; all are alike."""
_seconds: dict[tuple[str, ...], float] = {}
"""Nominal times: the seeds of an arm take the same, and views ask again and again."""


class Expected(NamedTuple):
    """Time that a step still takes."""

    seconds: float
    source: str


def expect(plan: Plan, states: Mapping[str, StepState]) -> dict[str, Expected]:
    """Return the expected time of every unfinished step, and what it is based on.

    A running step goes on at its own rate. Any other takes the mean time of the plan's finished steps of its stage,
    training in proportion to its tokens; without one the time in the configuration of the cluster, training as it is
    predicted from the hardware.

    Raises:
        ConfigError: training asks for ranks that cannot share packs.
    """
    taken = defaultdict[str, list[float]](list)
    for step, at in ((plan.steps[name], at) for name, at in states.items()):
        if at.record is not None:
            taken[step.stage].append(at.record.seconds / _size(plan, step))
    cluster, found = plan.cluster, dict[str, Expected]()
    for name, at in ((name, at) for name, at in states.items() if at.state != "finished"):
        step, seconds = plan.steps[name], seconds_left(at)
        if seconds:
            source = "its own rate"
        elif step.stage in taken:
            seconds, source = fmean(taken[step.stage]) * _size(plan, step), "finished steps"
        elif step.stage == "training":
            seconds, source = nominal_seconds(plan, name, cluster), f"what {cluster.hardware.name} can do"
        else:
            seconds, source = cluster.step_seconds.get(step.stage), f"cluster={cluster.name}"
        found[name] = Expected(seconds, source) if seconds else Expected(_SECONDS, f"nothing ({_SECONDS:g} s each)")
    return found


def basis(plan: Plan, expected: Mapping[str, Expected]) -> str:
    """Describe what times are based on: 'finished steps: training; cluster=local: score'."""
    stages = defaultdict[str, dict[str, None]](dict)
    for name in sorted(expected, key=lambda name: list(STAGES).index(plan.steps[name].stage)):
        stages[expected[name].source][plan.steps[name].stage] = None
    return "; ".join(f"{source}: {', '.join(each)}" for source, each in stages.items())


def wall_time(plan: Plan, seconds: Mapping[str, float], width: int) -> float:
    """Return the time in which `width` steps at once do what takes `seconds` each: at least their longest chain [s]."""
    cluster, chain = plan.cluster, dict[str, float]()
    for name, step in plan.steps.items():
        below = (chain[each] for each in step.inputs.values())
        chain[name] = seconds.get(name, 0.0) / parts_at_once(cluster, step) + max(below, default=0.0)
    return max(sum(seconds.values()) / width, max(chain.values(), default=0.0))


def cost(plan: Plan, seconds: Mapping[str, float]) -> tuple[float, float, float]:
    """Return the GPU-hours, core-hours of jobs without GPUs, and price of steps that take `seconds` each."""
    cluster, cpu, gpu = plan.cluster, 0.0, 0.0
    for name, each in seconds.items():
        job = job_of(cluster, plan.steps[name])
        hours = each * job.nodes / 3600
        cpu += 0 if job.gpus else hours * job.cpus
        gpu += hours * job.gpus
    return gpu, cpu, cpu * cluster.cpu_price + gpu * cluster.gpu_price


def seconds_left(state: StepState) -> float | None:
    """Return the time until a running step is finished, by its own rate; None if that is unknown [s]."""
    at = state.progress
    return (at["total"] - at["done"]) / at["rate"] if at and at["rate"] > 0 else None


def _size(plan: Plan, step: Step) -> int:
    """Return the number that the time of a step is proportional to: tokens of training, 1 of any other stage."""
    if step.stage != "training":
        return 1
    return int(plan.steps[step.inputs["mixture"]].settings["mixture"]["tokens"])


def preflight(plan: Plan, name: str, cluster: Cluster, store: Store | None = None) -> Preflight:
    """Return the training step `name` as it will run.

    Args:
        store: where its mixture is looked for; none, or not drawn there: lengths are nominal.

    Raises:
        ConfigError: the sizes of the model are not known, or the parallel is not possible.
    """
    step = plan.steps[name]
    settings: TrainingSettings = settings_of(step)
    shape, job = shape_of(settings.model), job_of(cluster, step)
    mixture = plan.steps[step.inputs["mixture"]]
    drawn = store if store and store.record(mixture.stage, mixture.id) else None
    return Preflight(
        settings=settings,
        shape=shape,
        parallel=parallelism_of(settings.training.engine, job, shape),
        job=job,
        hardware=cluster.hardware,
        packs=_drawn(drawn, mixture, shape) if drawn else _nominal(plan, mixture, settings, shape),
    )


def nominal_seconds(plan: Plan, name: str, cluster: Cluster) -> float | None:
    """Return the time of a training step by its settings alone [s].

    None where GPUs are asked for but not described, or the sizes of the model are not known here.

    Raises:
        ConfigError: the ranks cannot share packs as they are to.
    """
    step = plan.steps[name]
    job, path = job_of(cluster, step), settings_of(step).model.path
    if (job.gpus and not cluster.hardware.memory) or (path and not find_shape(path)):
        return None
    arm, *_, role = step.label.rsplit("/", 2)
    key = arm, role or name, repr((cluster.hardware, job))
    if key not in _seconds:
        _seconds[key] = preflight(plan, name, cluster).time().seconds
    return _seconds[key]


def _drawn(store: Store, mixture: Step, shape: Shape) -> Packs:
    folders = (store.root / path for role, path in mixture.needs.items() if stage_of(role) == "measurement")
    return Packs.drawn(read_packs(store.root / mixture.path), read_measured(folders), shape)


def _nominal(plan: Plan, mixture: Step, training: TrainingSettings, shape: Shape) -> Packs:
    settings: MixtureSettings = settings_of(mixture)
    measured = {role: plan.steps[name] for role, name in mixture.inputs.items() if stage_of(role) == "measurement"}
    sources = {
        role.partition(".")[2]: settings_of(plan.steps[each.inputs["synthesis"]]).source
        for role, each in measured.items()
    }
    tokens = min(settings.mixture.tokens, _UPDATES * training.optimizer.tokens_per_update)
    lengths = nominal_packs(settings, sources, a4_tokens(training.view, shape), tokens)
    return Packs.nominal(lengths, settings.mixture.tokens, training.view, shape)
