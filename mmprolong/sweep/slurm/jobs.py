"""Which job was asked to run which step, and which ablations want it: one file a store, a line each, only appended.

The order of the lines says what is newest: clocks of nodes differ.
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
"""Note on a job that we have taken out of the queue: Slurm forgets that, of single elements of an array at once."""
RELEASED = "released"
"""Note on a job that its ablation wants no more, and others do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A step, handed to Slurm, and an ablation that wants it."""

    step: str
    job: str
    """Slurm's id: `4711`, or `4711_3` for element 3 of an array."""
    ablation: str
    parts: str = ""
    """Array of jobs that share the step's parts, if there is one; `job` joins them."""
    width: int = 1
    """Elements of that array."""
    note: str = ""
    """`CANCELLED`, `RELEASED`, or empty: it is wanted."""

    @property
    def elements(self) -> list[str]:
        """Ids of the jobs that share the parts."""
        return [f"{self.parts}_{element}" for element in range(self.width) if self.parts]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The file, read."""

    newest: dict[str, Submission] = field(default_factory=dict)
    """By step."""
    wanted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ablations by step."""


def slurm_folder(store: Store) -> Path:
    """Return the folder of the record and of the jobs' logs."""
    return store.root / "slurm"


def job_log(store: Store, job: str) -> Path:
    """Return the file that a job writes to."""
    return slurm_folder(store) / f"{job}_0_log.out"


def submission_log(store: Store, submission: Submission) -> Path:
    """Return where a step's job writes; until it has begun, where the last of those wrote that share its parts."""
    own = job_log(store, submission.job)
    shares = (job_log(store, each) for each in submission.elements if not own.exists())
    return max((path for path in shares if path.exists()), key=lambda path: path.stat().st_mtime, default=own)


def record(store: Store, submissions: Iterable[Submission]) -> None:
    """Add lines; they are on the disk when this returns.

    Raises:
        DiskFull: they are not.
    """
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in submissions)
    if not lines:
        return
    path = _path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path), path.open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * torn + lines)
        file.flush()
        os.fsync(file.fileno())


def read_jobs(store: Store) -> Jobs:
    """Read the file; a torn line does not count."""
    jobs = Jobs()
    for line in _path(store).read_bytes().splitlines() if _path(store).exists() else ():
        try:
            each = msgspec.json.decode(line, type=Submission)
        except msgspec.DecodeError:
            continue
        if each.note == RELEASED:
            jobs.wanted[each.step].discard(each.ablation)
            continue
        jobs.newest[each.step] = each
        (jobs.wanted[each.step].discard if each.note else jobs.wanted[each.step].add)(each.ablation)
    return jobs


def noted(submissions: Iterable[Submission], ablation: str, note: str) -> list[Submission]:
    """Return new lines for the same jobs, with what becomes of them for an ablation."""
    return [replace(each, ablation=ablation, note=note) for each in submissions]


def _path(store: Store) -> Path:
    return slurm_folder(store) / "jobs.jsonl"
