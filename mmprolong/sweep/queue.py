"""What Slurm says of jobs: its queue first, its accounts second. What neither knows is unknown, never failed."""

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from mmprolong.errors import SchedulerError

_LIVE = {
    *("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESIZING"),
    *("SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "SPECIAL_EXIT", "RESV_DEL_HOLD"),
}
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_HOPELESS = "DependencyNeverSatisfied"
_SECONDS = 60


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
        """Whether it runs or will run."""
        return self.state in _LIVE and self.reason != _HOPELESS

    @property
    def waiting(self) -> bool:
        """Whether it has not begun."""
        return self.live and self.state in _WAITING


class Queue(Protocol):
    """Where jobs are asked for and ended."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """State by job id; ids that nobody knows are left out."""
        ...

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs; those that have ended stay as they are."""
        ...


class SlurmQueue:
    """The queue of the cluster that this machine belongs to."""

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """State by job id.

        Raises:
            SchedulerError: there is no Slurm here, or it does not answer.
        """
        asked = set(jobs)
        if not asked:
            return {}
        found = {job: state for job, state in _squeue(asked).items() if job in asked}
        missing = asked - found.keys()
        accounts = _sacct(missing) if missing else {}
        return found | {job: state for job, state in accounts.items() if job in missing}

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        if not jobs:
            return
        others = {job for job, state in _squeue(set(jobs)).items() if state.live} - set(jobs)
        words = packed(jobs, {job.partition("_")[0] for job in others})
        for start in range(0, len(words), 100):
            done = _run(["scancel", *words[start : start + 100]])
            if done.returncode and "Invalid job id" not in done.stderr:
                raise SchedulerError(f"scancel: {_line(done.stderr)}; try again, or cancel the jobs by hand")


def packed(jobs: Iterable[str], shared: Set[str] = frozenset()) -> list[str]:
    """Job ids, an array in one word, the last first: Slurm is slow at single ones, and at jobs that wait for others.

    Args:
        shared: arrays of which other elements must live on: `4711_[0-2,5]`; all others are named as a whole.
    """
    arrays: dict[str, list[int]] = defaultdict(list)
    for job in jobs:
        array, _, element = job.partition("_")
        arrays[array] += [int(element)] if element else []
    return [
        f"{array}_[{_ranges(sorted(set(each)))}]" if each and array in shared else array
        for array, each in reversed(arrays.items())
    ]


def _ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


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


def read_squeue(text: str) -> dict[str, JobState]:
    """The lines `job|state|reason|nodes` of squeue."""
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {job: JobState(state, reason, node=node) for job, state, reason, node in rows}


def _sacct(jobs: set[str]) -> dict[str, JobState]:
    """Empty where a cluster keeps no accounts."""
    if shutil.which("sacct") is None:
        return {}
    done = _run(["sacct", "-n", "-P", "-X", "-o", "JobID,State,ExitCode,NodeList", "-j", _arrays(jobs)])
    return {} if done.returncode else read_sacct(done.stdout)


def read_sacct(text: str) -> dict[str, JobState]:
    """The lines `job|state|exit code|nodes` of sacct; states such as `CANCELLED by 1000` lose their tail."""
    found = {}
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) == 4 and cells[1].strip():
            job, state, code, node = cells
            found[job] = JobState(state.split()[0].rstrip("+"), exit_code=code, node=node.replace("None assigned", ""))
    return found


def _arrays(jobs: set[str]) -> str:
    """Ids of the arrays that hold the jobs: Slurm is asked for an array at a time."""
    return ",".join(sorted({job.partition("_")[0] for job in jobs}))


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerError(f"{words[0]}: {error}; try again when Slurm answers") from error


def _line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "failed without a word")
