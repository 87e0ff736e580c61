"""Take jobs of a plan out of the queue."""

from collections.abc import Mapping, Sequence

from mmprolong.artifacts import Store
from mmprolong.plans import Plan
from mmprolong.sweep.arrays import descendants
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.jobstate import JobState
from mmprolong.sweep.queue import Queue, SlurmQueue
from mmprolong.sweep.submissions import CANCELLED, Submission, append, latest, marked


def live_jobs(queue: Queue, known: Mapping[str, Submission]) -> dict[str, JobState]:
    """State of the newest job of each step, of those that run or will run."""
    states = queue.states(each.job for each in known.values())
    return {name: states[each.job] for name, each in known.items() if each.job in states and states[each.job].live}


def cancel(store: Store, plan: Plan, match: str = "", queue: Queue | None = None) -> list[str]:
    """Cancel the live jobs of a plan's steps, and those that wait for them; returns the steps.

    Args:
        match: only of the points whose `label/s<seed>` contains this, leaving alone what other points need; where no
            point does, of the steps whose `stage/id` contains it.
    """
    queue = queue or SlurmQueue()
    known = {name: each for name, each in latest(store).items() if name in plan.steps}
    live = live_jobs(queue, known)
    chosen = _chosen(plan, match)
    ended = [name for name in plan.steps if name in live and name in chosen | descendants(plan, chosen)]
    withdraw(store, plan, queue, [known[name] for name in ended])
    return ended


def withdraw(store: Store, plan: Plan, queue: Queue, submissions: Sequence[Submission]) -> None:
    """Take jobs out of the queue, and note it."""
    if not submissions:
        return
    queue.cancel([each.job for each in submissions])
    append(launches(store, plan.ablation), marked(submissions, CANCELLED))


def _chosen(plan: Plan, match: str) -> set[str]:
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    if not inside:
        return {name for name, step in plan.steps.items() if match in step.path}
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept
