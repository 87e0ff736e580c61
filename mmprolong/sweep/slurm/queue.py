"""What Slurm says of jobs: its queue first, its accounts second. What neither knows is unknown, never failed."""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mmprolong.errors import SchedulerError
from mmprolong.sweep.resources import drop_foreign_variables

_SECONDS = 60
_AT_ONCE = 100
"""Arrays that one command ends."""
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_LIVE = _WAITING | {"RUNNING", "COMPLETING", "RESIZING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING"}
_HOPELESS = "DependencyNeverSatisfied"
_ELEMENTS = re.compile(r"(\d+)_\[([\d,:-]+)(?:%\d+)?\]")
"""`4711_[0-2,5,8-12:2%4]`."""


@dataclass(frozen=True, slots=True)
class JobState:
    """What is known of one job."""

    state: str
    """Slurm's word, such as PENDING."""
    reason: str = ""
    """Why it waits."""
    exit_code: str = ""
    """`code:signal`, of ended jobs, from the accounts only."""
    node: str = ""

    @property
    def live(self) -> bool:
        """True if it runs or will run."""
        return self.state in _LIVE and self.reason != _HOPELESS

    @property
    def waiting(self) -> bool:
        """True if it has not begun."""
        return self.live and self.state in _WAITING


UNLISTED = JobState("UNLISTED")
"""Slurm names other elements of the job's array and not this one: cancelled before it began, or ended long ago."""


class Queue(Protocol):
    """Where jobs stand and are ended."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """Return the state by job id; ids that nobody knows are left out."""
        ...

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs; those that have ended stay as they are."""
        ...


class SlurmQueue:
    """The queue of the cluster that this machine belongs to."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """Return the state by job id. Accounts of jobs that live on, but not in the queue, were never closed.

        Raises:
            SchedulerError: there is no Slurm here, or it does not answer.
        """
        asked = set(jobs)
        if not asked:
            return {}
        queue = _squeue(asked)
        found = pick(asked, queue)
        missing = asked - found.keys()
        rows = _sacct(missing) if missing else {}
        accounts = pick(missing, rows)
        arrays = {array_of(job) for job in queue.keys() | rows.keys()}
        unlisted = {job: UNLISTED for job in missing - accounts.keys() if array_of(job) in arrays}
        return found | {job: state for job, state in accounts.items() if not state.live} | unlisted

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs, the last first, as they may wait for each other.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        words = packed(jobs)
        for start in range(0, len(words), _AT_ONCE):
            _run("scancel", *words[start : start + _AT_ONCE])


def require_slurm() -> None:
    """Check that Slurm's commands are installed.

    Raises:
        SchedulerError: they are not.
    """
    for command in ("sbatch", "squeue", "scancel"):
        if shutil.which(command) is None:
            where = "run this on a login node of the cluster, or choose cluster=local"
            raise SchedulerError(f"{command}: not found; {where}")


def array_of(job: str) -> str:
    """Return the id of the whole array: `4711` of `4711_3`."""
    return job.partition("_")[0]


def pick(jobs: Iterable[str], rows: Mapping[str, JobState]) -> dict[str, JobState]:
    """Return the states of `jobs`; the row of a whole array, as of one that was cancelled, holds for its elements."""
    found = {job: rows.get(job) or rows.get(array_of(job)) for job in jobs}
    return {job: state for job, state in found.items() if state is not None}


def read_squeue(text: str) -> dict[str, JobState]:
    """Read the lines `job|state|reason|nodes` of squeue."""
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {job: JobState(state, reason, node=node) for job, state, reason, node in rows}


def read_sacct(text: str) -> dict[str, JobState]:
    """Read the lines `job|state|exit code|nodes` of sacct.

    Elements that share a line get one state each, steps such as `4711.batch` none; `CANCELLED by 1000` loses its tail.
    """
    found = {}
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) == 4 and cells[1].strip() and "." not in cells[0]:
            job, state, code, node = cells
            each = JobState(state.split()[0].rstrip("+"), exit_code=code, node=node.replace("None assigned", ""))
            found.update(dict.fromkeys(_unpacked(job), each))
    return found


def packed(jobs: Iterable[str]) -> list[str]:
    """Return job ids, those of an array in one word (`4711_[0,1,5]`), the last first: Slurm is slow at single ones."""
    arrays: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        array, _, element = job.partition("_")
        arrays[array] += [element] if element else []
    return [f"{array}_[{','.join(each)}]" if each else array for array, each in reversed(arrays.items())]


def _unpacked(job: str) -> Iterator[str]:
    match = _ELEMENTS.fullmatch(job)
    if match is None:
        yield job
        return
    for part in match[2].split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        yield from (f"{match[1]}_{element}" for element in range(int(first), int(last or first) + 1, int(step or 1)))


def _squeue(jobs: set[str]) -> dict[str, JobState]:
    require_slurm()
    return read_squeue(_run("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%i|%T|%r|%N", "-j", _arrays(jobs)))


def _sacct(jobs: set[str]) -> dict[str, JobState]:
    """Ask the accounts; empty where a cluster keeps none."""
    if shutil.which("sacct") is None:
        return {}
    try:
        return read_sacct(_run("sacct", "-n", "-P", "-X", "-o", "JobID,State,ExitCode,NodeList", "-j", _arrays(jobs)))
    except SchedulerError:
        return {}


def _arrays(jobs: set[str]) -> str:
    """Return the ids of the arrays that hold the jobs: Slurm is asked for an array at a time."""
    return ",".join(sorted({array_of(job) for job in jobs}))


def _run(*words: str) -> str:
    """Return what a command prints; it may say that jobs are unknown by now."""
    drop_foreign_variables()
    variables = {**os.environ, "SLURM_BITSTR_LEN": "0"}  # no list of elements is shortened
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False, env=variables)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerError(f"{words[0]}: {error}; try again when Slurm answers") from error
    if done.returncode and "Invalid job id" not in done.stderr:
        said = next((line.strip() for line in done.stderr.splitlines() if line.strip()), "failed without a word")
        raise SchedulerError(f"{words[0]}: {said}; try again when Slurm answers")
    return done.stdout
