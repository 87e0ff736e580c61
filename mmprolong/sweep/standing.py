"""Where every step of a plan stands: what the disk says first, what the queue says second."""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError, SchedulerError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.records import RunRecord
from mmprolong.runtime.failures import Failure, from_job, from_log, from_note
from mmprolong.store.lease import is_held
from mmprolong.store.store import FAILED, LOG, PROGRESS, Store
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.job_logs import newest_attempt
from mmprolong.sweep.jobstate import UNLISTED, JobState
from mmprolong.sweep.queue import SlurmQueue, States
from mmprolong.sweep.submissions import CANCELLED, LOGS, Submission, latest
from mmprolong.sweep.todo import GONE, spent_steps

_FRESH = 60.0
"""A step on a cluster that said how far it is since then is running [s]."""
_ROOM = 65536
"""With less than this free on its disk, a job may be unable to say why it failed [bytes]."""
_TAIL = 8192
"""How much of the end of a log is read at first, twice as much until it is enough [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one step stands."""

    state: str
    """`finished`, `running`, `queued`, `failed`, `blocked` (needs a failed one), `unknown`, or `open`."""
    job: str = ""
    detail: str = ""
    """Why it waits, what is not known, or that it is gone."""
    failure: Failure | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The last line of its log."""
    record: RunRecord | None = None
    """Of a finished step; None if its folder is gone."""
    log: Path | None = None
    """Where its newest job writes, if Slurm has one."""


def standings(store: Store, plan: Plan, queue: States | None = None) -> dict[str, Standing]:
    """Where the steps of `plan` stand, by id. Slurm is asked only if steps were handed to it."""
    known = {name: each for name, each in latest(store).items() if name in plan.steps}
    found: dict[str, Standing] = {}
    for name, step in plan.steps.items():
        standing = _settled(store, step)
        if standing is not None:
            found[name] = standing
    spent = spent_steps(plan, {name for name, each in found.items() if each.state == "finished"})
    found |= {name: Standing(state="finished", detail=GONE) for name in spent - found.keys()}
    leases = plan.cluster.launcher != "slurm"
    states, trouble = _ask(queue or SlurmQueue(), {name: each for name, each in known.items() if name not in found})
    for name, step in plan.steps.items():
        if name in found:
            continue
        folder = store.folder(step.stage, name)
        standing = _standing(store, folder, known.get(name), states, trouble, leases)
        lost = any(found[each].state in ("failed", "blocked") for each in step.inputs.values())
        standing = Standing(state="blocked", job=standing.job) if lost and _idle(standing) else standing
        found[name] = replace(standing, log=log_path(store, known[name])) if name in known else standing
    return found


def _settled(store: Store, step: Step) -> Standing | None:
    """Of a step with a record: finished, or failed if that or a file that it names is damaged."""
    try:
        record = store.record(step.stage, step.id)
    except ArtifactError as error:
        return Standing(state="failed", failure=Failure("data", str(error)))
    return Standing(state="finished", record=record) if record else None


def running(folder: Path, job: str = "") -> Standing:
    """A step that runs, and what it says itself."""
    return Standing(state="running", job=job, progress=_read(folder / PROGRESS), metrics=_metrics(folder))


def noted(folder: Path, since: str = "") -> Failure | None:
    """Why a step failed, as it wrote itself; None if it did not.

    Args:
        since: notes from before are of attempts that no longer count: UTC, ISO 8601.
    """
    note = _read(folder / FAILED)
    return from_note(note) if note and note.get("time", since) >= since else None


def log_path(store: Store, submission: Submission) -> Path:
    """Where the job of a submission writes."""
    return launches(store, submission.ablation) / LOGS / f"{submission.job}_0_log.out"


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file, empty ones left out; none if it is not there."""
    try:
        with path.open("rb") as file:
            found, start, size = [], file.seek(0, os.SEEK_END), _TAIL
            end = start
            while start and len(found) <= lines:  # the first of them may be torn
                start = file.seek(max(0, end - size))
                found = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
                size *= 2
    except OSError:
        return []
    return found[max(0, len(found) - lines) :]


def last_words(folder: Path, standing: Standing, lines: int) -> list[str]:
    """The end of the traceback that a step left; where there is none, what its job wrote last."""
    return traceback(folder, standing.failure)[-lines:] or (tail(standing.log, lines) if standing.log else [])


def traceback(folder: Path, failure: Failure | None) -> list[str]:
    """What a step left that failed so: its traceback, or what its process wrote last; empty if neither."""
    return _read(folder / FAILED).get("traceback", "").splitlines() if failure == noted(folder) else []


def _ask(queue: States, known: Mapping[str, Submission]) -> tuple[dict[str, JobState], str]:
    try:
        return queue.states(each.job for each in known.values()) if known else {}, ""
    except SchedulerError as error:
        return {}, str(error)


def _idle(standing: Standing) -> bool:
    """Whether the step neither runs nor waits, and no failure of its own is known."""
    own = standing.failure is not None and standing.failure.kind not in ("cancelled", "input")
    return standing.state in ("open", "unknown") or (standing.state == "failed" and not own)


def _standing(
    store: Store,
    folder: Path,
    submission: Submission | None,
    states: Mapping[str, JobState],
    trouble: str,
    leases: bool,
) -> Standing:
    """Where an unfinished step stands.

    Args:
        leases: whether a step that runs would be seen to hold its lease: it runs on this machine. A cluster's file
            system may keep the locks of one node from another, so there the time of its last word counts.
    """
    job = submission.job if submission else ""
    state = states.get(job)
    if state is not None and state.live:
        return _live(folder, job, state)
    if leases and is_held(folder):
        return running(folder, job)
    # A job that begins takes an older note away; one that never began has said nothing by it.
    since = submission.time if submission and not log_path(store, submission).exists() else ""
    failure = noted(folder, since)
    if failure:
        return Standing(state="failed", job=job, failure=failure)
    here = running(folder, job)
    if not leases and state is None and here.progress and time.time() - here.progress["time"] < _FRESH:
        return here
    if submission is None:
        return Standing(state="open")
    log = tail(log_path(store, submission), 50)
    failure = _ended(state, newest_attempt(log), _full(store)) or _taken_out(state, log, submission)
    if failure:
        return Standing(state="failed", job=job, failure=failure)
    told = f"Slurm: {state.state.lower()}, but no result" if state and state != UNLISTED else ""
    return Standing(state="unknown", job=job, detail=trouble or told or f"Slurm does not know job {job}")


def _live(folder: Path, job: str, state: JobState) -> Standing:
    if state.waiting:
        return Standing(state="queued", job=job, detail=state.reason)
    return running(folder, job)


def _ended(state: JobState | None, log: Sequence[str], full: bool) -> Failure | None:
    """Why a job has ended: Slurm's word for it, else the last words of this attempt, else that it failed."""
    said = from_job(state.state, state.exit_code, state.node) if state else None
    if said is not None and said.kind != "killed":
        return said
    silent = Failure("disk", "no space left on the store's device, not even for a note") if full and said else None
    return from_log(log) or silent or said


def _full(store: Store) -> bool:
    return shutil.disk_usage(store.root).free < _ROOM


def _taken_out(state: JobState | None, log: list[str], submission: Submission) -> Failure | None:
    """That a job was cancelled of which Slurm keeps no trace, as of one element of an array that had not begun."""
    if submission.note == CANCELLED:
        return Failure("cancelled", "taken out of the queue by mmprolong")
    if state == UNLISTED and not log:
        return Failure("cancelled", "Slurm: taken out of its array before it began")
    return None


def _metrics(folder: Path) -> dict[str, Any]:
    for line in reversed(tail(folder / LOG, 2)):
        try:
            return json.loads(line)
        except ValueError:
            continue
    return {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):  # not there (yet): nothing to show
        return {}
