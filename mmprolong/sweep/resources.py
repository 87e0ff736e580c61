"""What a step is given to run with: a share of a cluster, processes, an environment."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmprolong import plugins
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.pipeline.run import ONE_PROCESS
from mmprolong.pipeline.steps import Step
from mmprolong.settings.execution import Cluster, Job
from mmprolong.settings.stages import STAGES

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of whatever runs a step: the libraries' own threads would change sums, and fight over the cores."""
_CHOICES = ("writer", "engine", "backbone", "scorer", "benchmark", "parser", "renderer", "objective")
"""Settings that choose a plug-in."""
_FOREIGN = (
    "SLURM_",
    "SBATCH_",
    "SRUN_",
    "SALLOC_",
    "SQUEUE_",
    "SCANCEL_",
    "SACCT_",
    "PMI",
    "TORCHELASTIC_",
    "WANDB_RUN",
)
"""How variables begin that belong to the job, ranks or run inside which a launch is typed, or hide jobs from it."""
_FOREIGN_NAMES = {
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"),
    *("WANDB_SERVICE", "WANDB_SWEEP_ID", "WANDB_NAME", "WANDB_RESUME"),
}
_KEPT = {"SLURM_CONF"}
"""Says which cluster is meant."""


def job_key(cluster: Cluster, step: Step) -> str:
    """Return the key of `cluster.jobs` that holds for a step: `stage.plugin`, else the stage, else `default`."""
    by_plugin = (f"{step.stage}.{name}" for name in _plugins(step.settings))
    return next((key for key in (*by_plugin, step.stage) if key in cluster.jobs), "default")


def job_of(cluster: Cluster, step: Step) -> Job:
    """Return what a step asks the cluster for; one core on this machine."""
    return cluster.jobs.get(job_key(cluster, step)) or Job()


def parts_at_once(cluster: Cluster, step: Step) -> int:
    """Return how many jobs share the parts of a step; 1 of stages that have no parts."""
    return job_of(cluster, step).parts if STAGES[step.stage].way == "parts" else 1


def ranks_per_node(cluster: Cluster, step: Step) -> int:
    """Return how many collective processes each node runs of a step; 1 of stages that run in one process."""
    job = job_of(cluster, step)
    return (job.ranks or max(job.gpus, 1)) if STAGES[step.stage].way == "ranks" else 1


def check_jobs(cluster: Cluster, steps: Iterable[Step]) -> None:
    """Refuse what is asked for and cannot be used.

    Raises:
        InvalidSettings: several processes or parts of a stage that runs in one.
    """
    stages: dict[str, list[str]] = defaultdict(list)
    for stage, key in dict.fromkeys((step.stage, job_key(cluster, step)) for step in steps):
        stages[key].append(stage)
    problems = []
    for key, found in stages.items():
        job, ways = cluster.jobs.get(key) or Job(), {STAGES[stage].way for stage in found}
        for name, value in (("nodes", job.nodes), ("ranks", job.ranks)):
            if value > 1 and ways != {"ranks"}:
                problems.append(
                    Problem(f"cluster.jobs.{key}.{name}", f"{value}, for {', '.join(found)}; {ONE_PROCESS}")
                )
        if job.parts > 1 and "parts" not in ways:
            able = ", ".join(name for name, each in STAGES.items() if each.way == "parts")
            says = f"{job.parts}; {found[0]} has no parts, only {able}; set it to 1"
            problems.append(Problem(f"cluster.jobs.{key}.parts", says))
    if problems:
        raise InvalidSettings(*problems)


def workers(cluster: Cluster) -> int:
    """Return how many processes run steps on this machine: as many as are asked for, else as it has cores."""
    return cluster.processes or len(os.sched_getaffinity(0))


def drop_foreign_variables() -> None:
    """Forget what belongs to a job or a run inside which this process was started, so that nothing inherits it."""
    for name in os.environ.keys() - _KEPT:
        if name in _FOREIGN_NAMES or name.startswith(_FOREIGN):
            del os.environ[name]


def _plugins(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if name in _CHOICES and value:
            yield plugins.split(value)[0]
        elif isinstance(value, Mapping):
            yield from _plugins(value)
