"""What steps are given to run with: a job's share of a cluster, or workers on this machine."""

import os

from mmprolong.config import Cluster, Job


def job_of(cluster: Cluster, stage: str) -> Job:
    """What a step of a stage asks the cluster for; one core on this machine."""
    return cluster.jobs.get(stage) or cluster.jobs.get("default") or Job()


def workers(cluster: Cluster) -> int:
    """Processes that run steps on this machine: as many as are asked for, else as it has cores."""
    return cluster.processes or len(os.sched_getaffinity(0))
