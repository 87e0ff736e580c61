"""Queues that say what the test wants: second implementations of the protocol; and steps that were handed to one."""

from collections.abc import Iterable, Sequence

from mmprolong.errors import SchedulerError
from mmprolong.pipeline.plan import Plan
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store, hash_outputs
from mmprolong.sweep.slurm.job_list import Submission, append_jobs
from mmprolong.sweep.slurm.queue import JobState
from tests.sweep.chains import plan

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
        if list(jobs):
            raise SchedulerError("squeue: Unable to contact slurm controller")
        return {}

    def cancel(self, jobs: Sequence[str]) -> None:
        raise SchedulerError("scancel: Unable to contact slurm controller")


def submit(store: Store, made: Plan, *jobs: str, ablation: str = "", **known) -> None:
    """Note a job for each step, in their order."""
    lines = zip(made.steps, jobs, strict=False)
    append_jobs(store, [Submission(step=s, job=j, ablation=ablation or made.ablation, **known) for s, j in lines])


def finish(store: Store, stage: str, name: str) -> None:
    """Let a step be finished."""
    folder = store.folder(stage, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "out").write_text("x")
    settled = {"settings": {}, "needs": {}, "metrics": {}}
    store.finish(RunRecord(id=name, stage=stage, version=1, outputs=hash_outputs(folder), **settled))
