"""The jobs of a store in a file that only grows, a line for each job of a step and each ablation that wants it.

The order of the lines says which job is newest, because clocks of nodes differ. And the cancellation of jobs.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from mmprolong.errors import writing
from mmprolong.pipeline.plan import Plan
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.slurm.queue import JobState, Queue, SlurmQueue

CANCELLED = "cancelled"
"""Note on a job that was taken out of the queue; Slurm forgets cancelled elements of an array at once."""
RELEASED = "released"
"""Note on a job that its ablation no longer wants, but others do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Job of a step, and an ablation that wants it."""

    step: str
    job: str
    """Id on Slurm: `4711`, or `4711_3` for element 3 of an array."""
    ablation: str
    parts: str = ""
    """Id of the array whose jobs share the step's parts, which `job` joins; empty: there is none."""
    width: int = 1
    """Number of elements of that array."""
    note: str = ""
    """`CANCELLED`, `RELEASED`, or empty if the job is wanted."""

    @property
    def elements(self) -> list[str]:
        """Ids of the jobs that share the parts."""
        return [f"{self.parts}_{element}" for element in range(self.width) if self.parts]


@dataclass(frozen=True, slots=True)
class JobList:
    """Content of the list."""

    newest: dict[str, Submission] = field(default_factory=dict)
    """Newest job by step."""
    wanted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ablations that want the job, by step."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Result of a cancellation."""

    ended: list[str]
    """Steps whose jobs were taken out of the queue."""
    shared: Mapping[str, int]
    """Number of jobs that were left to other ablations, by ablation."""


def slurm_folder(store: Store) -> Path:
    """Return the folder of the list and of the jobs' logs."""
    return store.root / "slurm"


def job_log(store: Store, job: str) -> Path:
    """Return the log of a job."""
    return slurm_folder(store) / f"{job}_0_log.out"


def job_logs(store: Store, submission: Submission) -> list[Path]:
    """Return the logs of a step's job and of the jobs that share its parts."""
    return [job_log(store, job) for job in (submission.job, *submission.elements)]


def append_jobs(store: Store, submissions: Iterable[Submission], **changes: str) -> None:
    """Append a line for each submission, with `changes` of its fields, and bring it to the disk.

    Raises:
        DiskFull: the lines were not written.
    """
    lines = b"".join(msgspec.json.encode(replace(each, **changes)) + b"\n" for each in submissions)
    if lines:
        path = _path(store)
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path), path.open("ab") as file:
            file.write(b"\n" + lines)  # the last line may be torn
            file.flush()
            os.fsync(file.fileno())


def read_jobs(store: Store) -> JobList:
    """Read the list; empty and torn lines do not count."""
    jobs = JobList()
    for line in _path(store).read_bytes().splitlines() if _path(store).exists() else ():
        try:
            each = msgspec.json.decode(line, type=Submission)
        except msgspec.DecodeError:
            continue
        if each.note:
            jobs.wanted[each.step].discard(each.ablation)
        else:
            jobs.wanted[each.step].add(each.ablation)
        if each.note != RELEASED:
            jobs.newest[each.step] = each
    return jobs


def _path(store: Store) -> Path:
    return slurm_folder(store) / "jobs.jsonl"


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
        chosen |= plan.descendants(chosen)
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
    queue.cancel([job for each in submissions for job in (each.parts, each.job) if job])
    append_jobs(store, submissions, ablation=ablation, note=CANCELLED)


def _choose_steps(plan: Plan, match: str) -> set[str]:
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    if not inside:
        return {name for name, step in plan.steps.items() if match in step.path}
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept
