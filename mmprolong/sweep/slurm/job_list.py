"""The jobs of a store in a file that only grows, a line for each submission and cancellation; and cancellation.

The order of the lines says which job is newest, because clocks of nodes differ.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mmprolong.errors import ConfigError, nearest, writing
from mmprolong.pipeline.plan import Plan, load_plan, planned
from mmprolong.store.lease import lease
from mmprolong.store.store import Store
from mmprolong.sweep.slurm.queue import JobState, Queue, SlurmQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Job of a step, submitted for an ablation."""

    step: str
    job: str
    """Id on Slurm: `4711`, or `4711_3` for element 3 of an array."""
    ablation: str
    parts: str = ""
    """Id of the array whose jobs share the step's parts, which `job` joins; empty: there is none."""
    width: int = 1
    """Number of elements of that array."""
    cancelled: bool = False
    """True if it was taken out of the queue; Slurm forgets cancelled jobs."""

    @property
    def all_jobs(self) -> list[str]:
        """Ids of the array and of the job."""
        return [job for job in (self.parts, self.job) if job]

    @property
    def elements(self) -> list[str]:
        """Ids of the jobs that share the parts."""
        return [f"{self.parts}_{element}" for element in range(self.width) if self.parts]


def slurm_folder(store: Store) -> Path:
    """Return the folder of the list and of the jobs' logs."""
    return store.root / "slurm"


def job_log(store: Store, job: str) -> Path:
    """Return the log of a job."""
    return slurm_folder(store) / f"{job}_0_log.out"


def append_jobs(store: Store, submissions: Iterable[Submission]) -> None:
    """Append a line for each submission, and bring it to the disk.

    Raises:
        DiskFull: the lines were not written.
    """
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in submissions)
    if lines:
        path = _path(store)
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path), path.open("ab") as file:
            file.write(b"\n" + lines)  # the last line may be torn
            file.flush()
            os.fsync(file.fileno())


def read_jobs(store: Store) -> dict[str, Submission]:
    """Return the newest job by step; empty and torn lines do not count."""
    newest: dict[str, Submission] = {}
    for line in _path(store).read_bytes().splitlines() if _path(store).exists() else ():
        try:
            each = msgspec.json.decode(line, type=Submission)
        except msgspec.DecodeError:
            continue
        newest[each.step] = each
    return newest


def _path(store: Store) -> Path:
    return slurm_folder(store) / "jobs.jsonl"


def cancel(store: Store, plan: Plan, match: str = "", queue: Queue | None = None) -> tuple[list[str], dict[str, int]]:
    """Cancel the live jobs of a plan's steps and those that wait for them, except jobs that other ablations have too.

    Without `match`, also the jobs of earlier plans of the ablation.

    Args:
        match: choose the points whose `label/s<seed>` contains it, without the steps that other points need; if there
            is no such point, the steps whose `stage/id` contains it, whoever else has them.

    Returns:
        The steps whose jobs were cancelled, and the number of jobs left to other ablations, by ablation.

    Raises:
        ConfigError: there are neither.
    """
    queue = queue or SlurmQueue()
    with lease(slurm_folder(store), waiting=lambda: None):  # a launch may be submitting the same steps
        jobs, (chosen, exact) = read_jobs(store), _choose_steps(plan, match)
        chosen |= plan.descendants(chosen)
        names = [name for name in plan.steps if name in chosen and name in jobs]
        names += [] if match else unplanned_steps(jobs, plan)
        live = live_steps(queue, {name: jobs[name] for name in names})
        shared = {} if exact else {name: user for name, user in others(store, plan).items() if name in live}
        ended = [jobs[name] for name in live if name not in shared]
        withdraw(store, queue, ended)
    return [each.step for each in ended], dict(Counter(shared.values()))


def live_steps(queue: Queue, newest: Mapping[str, Submission]) -> dict[str, JobState]:
    """Return the states of the steps' newest jobs that run or wait."""
    states = queue.states(each.job for each in newest.values())
    return {name: states[each.job] for name, each in newest.items() if each.job in states and states[each.job].live}


def unplanned_steps(jobs: Mapping[str, Submission], plan: Plan) -> list[str]:
    """Return the steps that were submitted for the ablation and that its plan no longer has."""
    return [name for name, each in jobs.items() if each.ablation == plan.ablation and name not in plan.steps]


def others(store: Store, plan: Plan) -> dict[str, str]:
    """Return the steps of all other plans of the store, and the ablation of each."""
    names = (name for name in planned(store) if name != plan.ablation)
    return {step: name for name in names for step in load_plan(store, name).steps}


def withdraw(store: Store, queue: Queue, submissions: Sequence[Submission]) -> None:
    """Take jobs out of the queue, and note it."""
    queue.cancel([job for each in submissions for job in each.all_jobs])
    append_jobs(store, (replace(each, cancelled=True) for each in submissions))


def _choose_steps(plan: Plan, match: str) -> tuple[set[str], bool]:
    """Return the steps that are meant, and True if they were named one by one."""
    inside = [point for point in plan.points if match in f"{point.label}/s{point.seed}"]
    named = {name for name, step in plan.steps.items() if match in step.path}
    if not inside and not named:
        found = "no label/s<seed> and no stage/id contains it"
        raise ConfigError(f"cancel {plan.ablation} {match!r}: {found}; {nearest(match, plan.labels)}")
    if not inside:
        return named, bool(match)
    kept = {name for point in plan.points if point not in inside for name in point.steps.values()}
    return {name for point in inside for name in point.steps.values()} - kept, False
