"""Take jobs of a plan out of the queue."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.pipeline.plan import PLANS, Plan
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.arrays import descendants
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.jobstate import JobState
from mmprolong.sweep.queue import Queue, SlurmQueue
from mmprolong.sweep.submissions import CANCELLED, RELEASED, Submission, append, latest, marked, wanted


def live_jobs(queue: Queue, known: Mapping[str, Submission]) -> dict[str, JobState]:
    """State of the newest job of each step, of those that run or will run."""
    states = queue.states(each.job for each in known.values())
    return {name: states[each.job] for name, each in known.items() if each.job in states and states[each.job].live}


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
    with lease(store.root / PLANS, waiting=lambda: None):  # a launch may be claiming the same jobs
        newest = latest(store)
        chosen = _chosen(plan, match)
        chosen |= descendants(plan, chosen)
        names = [name for name in plan.steps if name in chosen and name in newest]
        known = {name: newest[name] for name in [*names, *([] if match else strays(store, plan, newest))]}
        live = live_jobs(queue, known)
        mine = [each for name, each in known.items() if name in live]
        alone, shared = release(store, plan, mine)
        withdraw(store, plan, queue, alone)
    return Cancelled([each.step for each in alone], shared)


def strays(store: Store, plan: Plan, known: Mapping[str, Submission]) -> list[str]:
    """The steps whose newest jobs the ablation wants and that its plan does not have."""
    mine = wanted(store).get(plan.ablation, {})
    return [name for name, job in mine.items() if name not in plan.steps and known[name].job == job]


def release(store: Store, plan: Plan, submissions: Sequence[Submission]) -> tuple[list[Submission], Mapping[str, int]]:
    """Leave to other ablations the jobs that these want; returns the rest, and how many are left, by ablation."""
    others = {name: set(jobs.values()) for name, jobs in wanted(store).items() if name != plan.ablation}
    held = set().union(*others.values())
    append(launches(store, plan.ablation), marked((each for each in submissions if each.job in held), RELEASED))
    shared = Counter(name for each in submissions for name, jobs in others.items() if each.job in jobs)
    return [each for each in submissions if each.job not in held], shared


def withdraw(store: Store, plan: Plan, queue: Queue, submissions: Sequence[Submission]) -> None:
    """Take jobs out of the queue, and note it."""
    queue.cancel([each.job for each in submissions])
    append(launches(store, plan.ablation), marked(submissions, CANCELLED))


def _chosen(plan: Plan, match: str) -> set[str]:
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    if not inside:
        return {name for name, step in plan.steps.items() if match in step.path}
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept
