"""List of the jobs of a store: a line for each job of a step and each ablation that wants it, only appended.

The order of the lines says which job is newest, because clocks of nodes differ.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from mmprolong.errors import writing
from mmprolong.store.store import Store

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
