"""Resources of a step: its job on a cluster, processes, environment variables."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmprolong import plugins
from mmprolong.errors import InvalidSettings, Problem
from mmprolong.pipeline.steps import Step
from mmprolong.settings.execution import Cluster, Job
from mmprolong.settings.stages import STAGES

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of every process that runs a step: threads of libraries would change sums, and compete for cores."""
_CHOICES = ("writer", "engine", "backbone", "scorer", "benchmark", "parser", "renderer", "objective")
"""Settings that choose a plug-in."""
_NEEDED_WAYS = {"nodes": "ranks", "ranks": "ranks", "parts": "parts"}
"""Way in which a stage must run to use more than one of each."""
_FOREIGN = (
    *("SLURM_", "SBATCH_", "SRUN_", "SALLOC_", "SQUEUE_", "SCANCEL_", "SACCT_", "PMI", "TORCHELASTIC_"),
    *("WANDB_RUN", "WANDB_SERVICE", "WANDB_SWEEP", "WANDB_NAME", "WANDB_RESUME"),
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT"),
)
"""Beginnings of the variables of a job, ranks or run inside which a launch is typed, and of options that hide jobs."""


def job_key(cluster: Cluster, step: Step) -> str:
    """Return the key of a step in `cluster.jobs`: `stage.plugin`, else the stage, else `default`."""
    by_plugin = (f"{step.stage}.{name}" for name in _plugins(step.settings))
    return next((key for key in (*by_plugin, step.stage) if key in cluster.jobs), "default")


def job_of(cluster: Cluster, step: Step) -> Job:
    """Return the job of a step; one core where the configuration names none."""
    return cluster.jobs.get(job_key(cluster, step)) or Job()


def parts_at_once(cluster: Cluster, step: Step) -> int:
    """Return the number of jobs that share the parts of a step; 1 for stages without parts."""
    return job_of(cluster, step).parts if STAGES[step.stage].way == "parts" else 1


def ranks_per_node(cluster: Cluster, step: Step) -> int:
    """Return the number of collective processes of a step on each node; 1 for stages that run in one process."""
    job = job_of(cluster, step)
    return (job.ranks or max(job.gpus, 1)) if STAGES[step.stage].way == "ranks" else 1


def check_jobs(cluster: Cluster, steps: Iterable[Step]) -> None:
    """Refuse several processes, nodes or parts for a stage that cannot share its work so.

    Raises:
        InvalidSettings: names each setting; `default` may ask for parts, which stages without parts ignore.
    """
    problems = []
    for stage, key in dict.fromkeys((step.stage, job_key(cluster, step)) for step in steps):
        for name, way in _NEEDED_WAYS.items():
            value = getattr(cluster.jobs.get(key) or Job(), name)
            if value > 1 and STAGES[stage].way != way and (key, name) != ("default", "parts"):
                able = ", ".join(other for other, each in STAGES.items() if each.way == way) or "none"
                message = f"{value}, but {stage} does not run in {way}; set it to 1 (stages that do: {able})"
                problems.append(Problem(f"cluster.jobs.{key}.{name}", message))
    if problems:
        raise InvalidSettings(*problems)


def workers(cluster: Cluster) -> int:
    """Return the number of worker processes on this machine: as configured, else one for each core."""
    return cluster.processes or len(os.sched_getaffinity(0))


def drop_foreign_variables() -> None:
    """Remove the variables of a job or run inside which this process was started, so that no child inherits them."""
    for name in os.environ.keys() - {"SLURM_CONF"}:  # which names the cluster
        if name.startswith(_FOREIGN):
            del os.environ[name]


def _plugins(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if name in _CHOICES and value:
            yield plugins.split(value)[0]
        elif isinstance(value, Mapping):
            yield from _plugins(value)
