"""What steps are given to run with: a share of a cluster, or workers on this machine, and one thread a library."""

import os

from mmprolong.settings.knobs import Cluster, Job

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of whatever runs a step: the libraries' own threads would change sums, and fight over the cores."""


def job_of(cluster: Cluster, stage: str) -> Job:
    """What a step of a stage asks the cluster for; one core on this machine."""
    return cluster.jobs.get(stage) or cluster.jobs.get("default") or Job()


def workers(cluster: Cluster) -> int:
    """Processes that run steps on this machine: as many as are asked for, else as it has cores."""
    return cluster.processes or len(os.sched_getaffinity(0))
