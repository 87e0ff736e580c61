"""Queues that say what the test wants: second implementations of the protocol; and steps that were handed to one."""

from collections.abc import Iterable, Sequence

from mmprolong.errors import SchedulerError
from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import Store
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.jobstate import JobState
from mmprolong.sweep.submissions import Submission, append
from tests.sweep.test_arrays import plan

CHAIN = plan(training0="", reply0="training0", score0="reply0")


class SaidQueue:
    """A queue of known states."""

    def __init__(self, **states: JobState) -> None:
        self.known = states
        self.cancelled: list[str] = []

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        return {job: self.known[f"job{job}"] for job in jobs if f"job{job}" in self.known}

    def cancel(self, jobs: Sequence[str]) -> None:
        self.cancelled += jobs


class SilentQueue:
    """A controller that does not answer."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        raise SchedulerError("squeue: Unable to contact slurm controller")

    def cancel(self, jobs: Sequence[str]) -> None:
        raise SchedulerError("scancel: Unable to contact slurm controller")


def submit(store: Store, made: Plan, *jobs: str) -> None:
    folder = launches(store, made.ablation)
    folder.mkdir(parents=True, exist_ok=True)
    lines = zip(made.steps, jobs, strict=True)
    append(folder, (Submission(step=s, job=j, ablation=made.ablation, time=f"1-{j}", code="code-1") for s, j in lines))
