"""The training steps of a plan before they run: their packs, drawn or nominal, and what these take."""

from mmprolong.mixture.counterfactual import read_measured, read_packs
from mmprolong.mixture.expected_packs import nominal_packs
from mmprolong.models.odometer import a4_tokens
from mmprolong.models.shapes import Shape, find_shape, shape_of
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.run import settings_of
from mmprolong.pipeline.steps import Step, stage_of
from mmprolong.settings.execution import Cluster
from mmprolong.settings.stages import MixtureSettings, TrainingSettings
from mmprolong.store.store import Store
from mmprolong.sweep.resources import job_of
from mmprolong.training.parallelism import parallelism_of
from mmprolong.training.preflight import Packs, Preflight

_UPDATES = 8
"""Updates that are drawn before the mixture is; all are alike."""
_seconds: dict[tuple[str, ...], float] = {}
"""Nominal times: the seeds of an arm take the same, and views ask again and again."""


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
