"""What Slurm's commands print of jobs, read; and job ids, written as Slurm wants them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

_LIVE = {
    *("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESIZING"),
    *("SUSPENDED", "STOPPED", "STAGE_OUT", "SIGNALING", "SPECIAL_EXIT", "RESV_DEL_HOLD"),
}
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
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
        """Whether it runs or will run."""
        return self.state in _LIVE and self.reason != _HOPELESS

    @property
    def waiting(self) -> bool:
        """Whether it has not begun."""
        return self.live and self.state in _WAITING


UNLISTED = JobState("UNLISTED")
"""Slurm names other elements of the job's array and not this one: cancelled before it began, or ended long ago."""


def array_of(job: str) -> str:
    """The id of the whole array: `4711` of `4711_3`."""
    return job.partition("_")[0]


def pick(jobs: Iterable[str], rows: Mapping[str, JobState]) -> dict[str, JobState]:
    """The states of `jobs`; the row of a whole array, as of one that was cancelled, holds for its elements."""
    found = {job: rows.get(job) or rows.get(array_of(job)) for job in jobs}
    return {job: state for job, state in found.items() if state is not None}


def read_squeue(text: str) -> dict[str, JobState]:
    """The lines `job|state|reason|nodes` of squeue."""
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {job: JobState(state, reason, node=node) for job, state, reason, node in rows}


def read_sacct(text: str) -> dict[str, JobState]:
    """The lines `job|state|exit code|nodes` of sacct.

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


def _unpacked(job: str) -> Iterator[str]:
    match = _ELEMENTS.fullmatch(job)
    if match is None:
        yield job
        return
    for part in match[2].split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        yield from (f"{match[1]}_{element}" for element in range(int(first), int(last or first) + 1, int(step or 1)))


def _ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
