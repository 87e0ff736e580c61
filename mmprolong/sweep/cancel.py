"""Cancellation of the jobs of a plan."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.slurm.arrays import descendants
from mmprolong.sweep.slurm.job_list import (
    CANCELLED,
    RELEASED,
    JobList,
    Submission,
    append_jobs,
    read_jobs,
    slurm_folder,
)
from mmprolong.sweep.slurm.queue import JobState, Queue, SlurmQueue


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Result of a cancellation."""

    ended: list[str]
    """Steps whose jobs were taken out of the queue."""
    shared: Mapping[str, int]
    """Number of jobs that were left to other ablations, by ablation."""


def cancel(store: Store, plan: Plan, match: str = "", queue: Queue | None = None) -> Cancelled:
    """Cancel the live jobs of a plan's steps and those that wait for them, except jobs that other ablations want.

    Without `match`, also the jobs of earlier plans of the ablation.

    Args:
        match: choose the points whose `label/s<seed>` contains it, without the steps that other points need; if there
            is no such point, the steps whose `stage/id` contains it.
    """
    queue = queue or SlurmQueue()
    with lease(slurm_folder(store), waiting=lambda: None):  # a launch may be submitting the same steps
        jobs, chosen = read_jobs(store), _choose_steps(plan, match)
        chosen |= descendants(plan, chosen)
        names = [name for name in plan.steps if name in chosen and name in jobs.newest]
        names += [] if match else unplanned_steps(jobs, plan)
        live = live_steps(queue, {name: jobs.newest[name] for name in names})
        unshared, shared = release(store, plan.ablation, jobs, live)
        withdraw(store, plan.ablation, queue, unshared)
    return Cancelled([each.step for each in unshared], shared)


def live_steps(queue: Queue, newest: Mapping[str, Submission]) -> dict[str, JobState]:
    """Return the states of the steps' newest jobs that run or wait."""
    states = queue.states(each.job for each in newest.values())
    return {name: states[each.job] for name, each in newest.items() if each.job in states and states[each.job].live}


def unplanned_steps(jobs: JobList, plan: Plan) -> list[str]:
    """Return the steps that the ablation wants and that its plan no longer has."""
    return [name for name, users in jobs.wanted.items() if plan.ablation in users and name not in plan.steps]


def release(
    store: Store, ablation: str, jobs: JobList, steps: Iterable[str]
) -> tuple[list[Submission], Mapping[str, int]]:
    """Leave jobs of `steps` to the other ablations that want them; returns the rest, and the number left to each."""
    others = {name: jobs.wanted[name] - {ablation} for name in steps}
    left = (jobs.newest[name] for name, users in others.items() if users)
    append_jobs(store, left, ablation=ablation, note=RELEASED)
    shared = dict(Counter(user for users in others.values() for user in users))
    return [jobs.newest[name] for name, users in others.items() if not users], shared


def withdraw(store: Store, ablation: str, queue: Queue, submissions: Sequence[Submission]) -> None:
    """Take jobs out of the queue, and note it."""
    queue.cancel([job for each in submissions for job in (*each.elements, each.job)])
    append_jobs(store, submissions, ablation=ablation, note=CANCELLED)


def _choose_steps(plan: Plan, match: str) -> set[str]:
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    if not inside:
        return {name for name, step in plan.steps.items() if match in step.path}
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept
