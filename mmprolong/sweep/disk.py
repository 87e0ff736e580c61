"""Where steps stand as the disk has it: for jobs, of which a thousand may end at once, and none asks Slurm."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.runtime.failures import from_log
from mmprolong.store.store import FAILED, LOG, PROGRESS, Store
from mmprolong.sweep.job_logs import newest_attempt
from mmprolong.sweep.jobstate import JobState
from mmprolong.sweep.standing import Standing, log_path, standings, tail
from mmprolong.sweep.submissions import CANCELLED, Submission, latest

_SILENT = 1800.0
"""A job that has written nothing for so long may be gone [s]."""
_LAST = 3
"""Lines at the end of a log in which Slurm's last words stand; a job that began again writes on below them."""
_SLURM = ("slurmstepd", "srun")
"""How lines of Slurm begin: a job that still runs may write the same words."""
_AGAIN = ("DUE TO JOB REQUEUE", "DUE TO PREEMPTION")
"""Last words of a job that is in the queue again."""


def standings_on_disk(store: Store, plan: Plan) -> dict[str, Standing]:
    """Where the steps of `plan` stand, by id, as far as files tell."""
    found = standings(store, plan, DiskQueue(store, plan))
    for name, each in found.items():
        inputs = plan.steps[name].inputs.values()
        if each.state == "queued" and any(found[one].state in ("failed", "blocked") for one in inputs):
            found[name] = replace(each, state="blocked")  # Slurm takes it out of the queue
        elif each.state == "unknown":
            minutes = _SILENT / 60
            detail = f"job {each.job} has written nothing for {minutes:.0f} min; `mmprolong status` asks Slurm"
            found[name] = replace(each, detail=detail)
    return found


class DiskQueue:
    """The jobs of a plan's steps: those without a log wait, those that wrote lately run, of others nothing is said."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._plan = plan

    def states(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """State by job id."""
        asked = set(jobs)
        known = (each for each in latest(self._store).values() if each.job in asked and each.step in self._plan.steps)
        found = ((each.job, self._state(each)) for each in known)
        return {job: state for job, state in found if state is not None}

    def _state(self, submission: Submission) -> JobState | None:
        log = log_path(self._store, submission)
        if submission.note == CANCELLED:
            return None
        if not log.exists():
            return JobState("PENDING", "has not begun")
        last = newest_attempt(tail(log, _LAST))
        if any(words in line for words in _AGAIN for line in last):
            return JobState("PENDING", "queued again")
        folder = self._store.folder(self._plan.steps[submission.step].stage, submission.step)
        silent = time.time() - _written(log, folder / PROGRESS, folder / LOG) > _SILENT
        ended = any(line.startswith(_SLURM) for line in last) and from_log(last)
        return None if silent or ended or (folder / FAILED).exists() else JobState("RUNNING")


def _written(*paths: Path) -> float:
    """When any of the files was written last [s since 1970]."""
    return max(path.stat().st_mtime for path in paths if path.exists())
