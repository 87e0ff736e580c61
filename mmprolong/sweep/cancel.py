"""Take jobs of a plan out of the queue."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.slurm.arrays import descendants
from mmprolong.sweep.slurm.jobs import CANCELLED, RELEASED, Jobs, Submission, noted, read_jobs, record, slurm_folder
from mmprolong.sweep.slurm.queue import JobState, Queue, SlurmQueue


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancellation did."""

    ended: list[str]
    """Steps whose jobs are out of the queue."""
    shared: Mapping[str, int]
    """Jobs that are left alone, by the ablation that needs them too."""


def cancel(store: Store, plan: Plan, match: str = "", queue: Queue | None = None) -> Cancelled:
    """Cancel the live jobs of a plan's steps and those that wait for them, but none that another ablation needs.

    Also those of its other plans: of points that are no longer in the file, of a launch that was killed.

    Args:
        match: only of the points whose `label/s<seed>` contains this, leaving alone what other points need; where no
            point does, of the steps whose `stage/id` contains it.
    """
    queue = queue or SlurmQueue()
    with lease(slurm_folder(store), waiting=lambda: None):  # a launch may be submitting the same steps
        jobs = read_jobs(store)
        chosen = _chosen(plan, match)
        chosen |= descendants(plan, chosen)
        names = [name for name in plan.steps if name in chosen and name in jobs.newest]
        live = live_steps(
            queue, {name: jobs.newest[name] for name in [*names, *([] if match else unplanned_steps(jobs, plan))]}
        )
        alone, shared = release(store, plan.ablation, jobs, live)
        withdraw(store, plan.ablation, queue, alone)
    return Cancelled([each.step for each in alone], shared)


def live_steps(queue: Queue, known: Mapping[str, Submission]) -> dict[str, JobState]:
    """Return the state of each step's newest job, of those that run or will run."""
    states = queue.states(each.job for each in known.values())
    return {name: states[each.job] for name, each in known.items() if each.job in states and states[each.job].live}


def unplanned_steps(jobs: Jobs, plan: Plan) -> list[str]:
    """Return the steps whose jobs the ablation wants and that its plan does not have."""
    return [name for name, users in jobs.wanted.items() if plan.ablation in users and name not in plan.steps]


def release(
    store: Store, ablation: str, jobs: Jobs, steps: Iterable[str]
) -> tuple[list[Submission], Mapping[str, int]]:
    """Leave to other ablations the jobs of `steps` that they want; returns the rest, and how many are left to each."""
    others = {name: jobs.wanted[name] - {ablation} for name in steps}
    record(store, noted((jobs.newest[name] for name, users in others.items() if users), ablation, RELEASED))
    shared = dict(Counter(user for users in others.values() for user in users))
    return [jobs.newest[name] for name, users in others.items() if not users], shared


def withdraw(store: Store, ablation: str, queue: Queue, submissions: Sequence[Submission]) -> None:
    """Take jobs out of the queue, and note it."""
    queue.cancel([job for each in submissions for job in (*each.elements, each.job)])
    record(store, noted(submissions, ablation, CANCELLED))


def _chosen(plan: Plan, match: str) -> set[str]:
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    if not inside:
        return {name for name, step in plan.steps.items() if match in step.path}
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept
