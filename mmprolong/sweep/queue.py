"""What Slurm says of jobs: its queue first, its accounts second. What neither knows is unknown, never failed."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import Protocol

from mmprolong.errors import SchedulerError
from mmprolong.sweep.jobstate import UNLISTED, JobState, array_of, packed, pick, read_sacct, read_squeue

_SECONDS = 60
_WHOLE = {"SLURM_BITSTR_LEN": "0"}
"""Environment in which Slurm shortens no list of elements."""


class States(Protocol):
    """Whoever knows how jobs stand."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """State by job id; ids that nobody knows are left out."""
        ...


class Queue(States, Protocol):
    """Where jobs are asked for and ended."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs; those that have ended stay as they are."""
        ...


class SlurmQueue:
    """The queue of the cluster that this machine belongs to."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """State by job id. Accounts of jobs that live on, but not in the queue, were never closed and say nothing.

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
        """End jobs.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        if not jobs:
            return
        others = {job for job, state in _squeue(set(jobs)).items() if state.live} - set(jobs)
        words = packed(jobs, {array_of(job) for job in others})
        for start in range(0, len(words), 100):
            done = _run(["scancel", *words[start : start + 100]])
            if done.returncode and "Invalid job id" not in done.stderr:
                raise SchedulerError(f"scancel: {_line(done.stderr)}; try again, or cancel the jobs by hand")


def require(command: str) -> None:
    """Check that a command of Slurm is installed.

    Raises:
        SchedulerError: it is not.
    """
    if shutil.which(command) is None:
        raise SchedulerError(f"{command}: not found; run this on a login node of the cluster, or choose cluster=local")


def _squeue(jobs: set[str]) -> dict[str, JobState]:
    require("squeue")
    done = _run(["squeue", "-h", "-a", "-r", "-t", "all", "-o", "%i|%T|%r|%N", "-j", _arrays(jobs)])
    if done.returncode and "Invalid job id" not in done.stderr:
        raise SchedulerError(f"squeue: {_line(done.stderr)}; try again when Slurm answers")
    return read_squeue(done.stdout)


def _sacct(jobs: set[str]) -> dict[str, JobState]:
    """Empty where a cluster keeps no accounts."""
    if shutil.which("sacct") is None:
        return {}
    done = _run(["sacct", "-n", "-P", "-X", "-o", "JobID,State,ExitCode,NodeList", "-j", _arrays(jobs)])
    return {} if done.returncode else read_sacct(done.stdout)


def _arrays(jobs: set[str]) -> str:
    """Ids of the arrays that hold the jobs: Slurm is asked for an array at a time."""
    return ",".join(sorted({array_of(job) for job in jobs}))


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **_WHOLE}
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerError(f"{words[0]}: {error}; try again when Slurm answers") from error


def _line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "failed without a word")
