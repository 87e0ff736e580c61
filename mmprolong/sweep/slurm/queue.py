"""States of jobs from Slurm: its queue first, its accounting second. A job that neither knows has no state."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mmprolong.errors import SchedulerError
from mmprolong.sweep.resources import drop_foreign_variables

_SECONDS = 60
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_LIVE = _WAITING | {"RUNNING", "COMPLETING", "RESIZING", "SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING"}
_HOPELESS = "DependencyNeverSatisfied"


@dataclass(frozen=True, slots=True)
class JobState:
    """State of one job."""

    state: str
    """Name on Slurm, such as PENDING."""
    reason: str = ""
    """Reason why it waits."""
    exit_code: str = ""
    """`code:signal` of an ended job, from the accounting only."""
    node: str = ""

    @property
    def live(self) -> bool:
        """True if it runs or waits."""
        return self.state in _LIVE and self.reason != _HOPELESS

    @property
    def waiting(self) -> bool:
        """True if it has not begun."""
        return self.live and self.state in _WAITING


class Queue(Protocol):
    """Jobs of a cluster."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """Return the states by job id; unknown ids are left out."""
        ...

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancel jobs; ended ones stay as they are."""
        ...


class SlurmQueue:
    """Queue of this machine's cluster."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """Return the states by job id, without live ones that only the accounting knows: their end was not recorded.

        Raises:
            SchedulerError: there is no Slurm here, or it does not answer.
        """
        wanted = set(jobs)
        if not wanted:
            return {}
        words = ("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%i|%T|%r|%N", "-j", _arrays(wanted))
        rows = read_squeue(_run(*words))
        missing = wanted - rows.keys()
        accounts = _sacct(missing) if missing else {}
        rows |= {job: state for job, state in accounts.items() if job in missing and not state.live}
        return {job: rows[job] for job in wanted & rows.keys()}

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancel jobs, the last first, as they may wait for each other.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        if jobs:
            _run("scancel", *reversed(jobs))


def array_of(job: str) -> str:
    """Return the id of the whole array: `4711` of `4711_3`."""
    return job.partition("_")[0]


def read_squeue(text: str) -> dict[str, JobState]:
    """Read the lines `job|state|reason|nodes` of squeue."""
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {job: JobState(state, reason, node=node) for job, state, reason, node in rows}


def read_sacct(text: str) -> dict[str, JobState]:
    """Read the lines `job|state|exit code|nodes` of sacct; `CANCELLED by 1000` loses its tail."""
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {
        job: JobState(state.split()[0].rstrip("+"), exit_code=code, node=node.replace("None assigned", ""))
        for job, state, code, node in rows
        if state.strip()
    }


def _sacct(jobs: set[str]) -> dict[str, JobState]:
    """Ask the accounting; empty if the cluster has none."""
    try:
        return read_sacct(_run("sacct", "-n", "-P", "-X", "-o", "JobID,State,ExitCode,NodeList", "-j", _arrays(jobs)))
    except SchedulerError:
        return {}


def _arrays(jobs: set[str]) -> str:
    """Return the ids of the whole arrays of the jobs, separated by commas."""
    return ",".join(sorted({array_of(job) for job in jobs}))


def _run(*words: str) -> str:
    """Return the output of a command; a complaint about forgotten jobs is no error."""
    drop_foreign_variables()
    variables = {**os.environ, "SLURM_BITSTR_LEN": "0"}  # no list of elements is shortened
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False, env=variables)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerError(f"{words[0]}: {error}; try again when Slurm answers") from error
    if done.returncode and "Invalid job id" not in done.stderr:
        reason = next((line.strip() for line in done.stderr.splitlines() if line.strip()), "failed without a message")
        raise SchedulerError(f"{words[0]}: {reason}; try again when Slurm answers")
    return done.stdout
