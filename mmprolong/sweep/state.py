"""Where every step of a plan stands: what the disk says first, what the queue says second."""

import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError, SchedulerError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_job, from_log, read_failure, read_traceback
from mmprolong.settings.stages import STAGES
from mmprolong.store.lease import is_held
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import LOG, PROGRESS, Store, remove_left_scratch
from mmprolong.sweep.log_files import newest_attempt, tail
from mmprolong.sweep.slurm.jobs import CANCELLED, Submission, job_log, read_jobs, submission_log
from mmprolong.sweep.slurm.queue import UNLISTED, JobState, Queue, SlurmQueue

GONE = "its folder is gone, and nothing that is to do needs it"
_ROOM = 65536
"""With less than this free on its disk, a job may be unable to say why it failed [bytes]."""
_LAST_LINES = 50
"""Of a job's log, that may say why it ended."""
_FRESH = 60.0
"""A step in parts that wrote how far it is since then is running [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """Where one step stands."""

    state: str
    """`finished`, `running`, `queued`, `failed`, `blocked` (needs a failed one), `unknown`, or `open`."""
    job: str = ""
    detail: str = ""
    """Why it waits, what is not known, or that it is gone."""
    failure: Failure | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    """`done`, `total`, `unit`, `rate` [1/s]; empty while it starts."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The last line of its log."""
    record: RunRecord | None = None
    """Of a finished step; None if its folder is gone."""
    log: Path | None = None
    """Where its newest job writes, if Slurm has one."""


def step_states(store: Store, plan: Plan, queue: Queue | None = None) -> dict[str, StepState]:
    """Return where the steps of `plan` stand, by id. Slurm is asked only if unfinished ones were handed to it."""
    settled = {name: state for name, step in plan.steps.items() if (state := _settled(store, step)) is not None}
    finished = {name for name, each in settled.items() if each.state == "finished"}
    gone = {name: StepState(state="finished", detail=GONE) for name in unneeded_steps(plan, finished)}
    settled = gone | settled
    known = {name: each for name, each in read_jobs(store).newest.items() if name in plan.steps}
    states, trouble = _ask(queue or SlurmQueue(), [each for name, each in known.items() if name not in settled])
    found: dict[str, StepState] = {}
    for name, step in plan.steps.items():
        state = settled.get(name) or _unfinished(store, step, known.get(name), states, trouble)
        if _is_idle(state) and any(found[each].state in ("failed", "blocked") for each in step.inputs.values()):
            state = StepState(state="blocked", job=state.job)
        found[name] = replace(state, log=submission_log(store, known[name])) if name in known else state
    return found


def settled_steps(store: Store, plan: Plan) -> set[str]:
    """Return the ids of the plan's steps that are not to be run: those in the store, and those that nothing needs.

    Removes from finished ones what a kill has left there to go on from: they are not run, which would remove it.

    Raises:
        ArtifactError: a finished step's folder is damaged.
    """
    finished = {name for name, step in plan.steps.items() if store.record(step.stage, name) is not None}
    for name in finished:
        remove_left_scratch(store.folder(plan.steps[name].stage, name))
    return finished | unneeded_steps(plan, finished)


def unneeded_steps(plan: Plan, finished: Set[str]) -> set[str]:
    """Return the steps that are not in the store and that no step to be run needs: what needed them is finished.

    So a checkpoint may be deleted once its replies are scored. A step that no other of the plan needs is always needed.
    """
    needs = {name: step.inputs.values() for name, step in plan.steps.items()}
    used = set[str]().union(*needs.values())
    left: set[str] = set()
    needed: set[str] = set()
    for name in reversed(needs):  # those that need a step come after it in the plan
        if name not in finished and (name not in used or name in needed):
            left.add(name)
            needed.update(needs[name])
    return plan.steps.keys() - finished - left


def running(folder: Path, job: str = "") -> StepState:
    """Return the state of a step that runs, with what it says itself."""
    metrics = (_json(line) for line in reversed(tail(folder / LOG, 2)))  # the last line may be torn
    progress = _json("".join(tail(folder / PROGRESS, _LAST_LINES)))
    return StepState(state="running", job=job, progress=progress, metrics=next((each for each in metrics if each), {}))


def last_words(folder: Path, state: StepState, lines: int) -> list[str]:
    """Return the end of the traceback that a step left; where there is none, what its job wrote last."""
    return traceback(folder, state.failure)[-lines:] or (tail(state.log, lines) if state.log else [])


def traceback(folder: Path, failure: Failure | None) -> list[str]:
    """Return what a step left that failed so: its traceback, or what its process wrote last; empty if neither."""
    return read_traceback(folder) if failure == read_failure(folder) else []


def job_state(submission: Submission, states: Mapping[str, JobState]) -> JobState | None:
    """Return where the job of a step stands; one that waits for those that share its parts runs as soon as they do."""
    state = states.get(submission.job)
    if state is not None and state.waiting:
        elements = [states[each] for each in submission.elements if each in states]
        return next((each for each in elements if each.live and not each.waiting), state)
    return state


def _settled(store: Store, step: Step) -> StepState | None:
    """Return the state of a step with a record: finished, or failed if that or a file that it names is damaged."""
    try:
        record = store.record(step.stage, step.id)
    except ArtifactError as error:
        return StepState(state="failed", failure=Failure("data", str(error)))
    return StepState(state="finished", record=record) if record else None


def _ask(queue: Queue, submissions: Iterable[Submission]) -> tuple[dict[str, JobState], str]:
    try:
        return queue.states(job for each in submissions for job in (each.job, *each.elements)), ""
    except SchedulerError as error:
        return {}, str(error)


def _is_idle(state: StepState) -> bool:
    """Tell whether a step neither runs nor waits, and no failure of its own is known."""
    own = state.failure is not None and state.failure.kind not in ("cancelled", "input")
    return state.state in ("open", "unknown") or (state.state == "failed" and not own)


def _unfinished(
    store: Store, step: Step, submission: Submission | None, states: Mapping[str, JobState], trouble: str
) -> StepState:
    folder, job = store.folder(step.stage, step.id), submission.job if submission else ""
    state = job_state(submission, states) if submission else None
    if state is not None and state.live:
        return StepState(state="queued", job=job, detail=state.reason) if state.waiting else running(folder, job)
    if is_held(folder) or _is_shared(folder, step):
        return running(folder, job)
    failure = read_failure(folder)  # a launch takes older ones away
    if failure or submission is None:
        return StepState(state="failed" if failure else "open", job=job, failure=failure)
    log = tail(job_log(store, job), _LAST_LINES)
    failure = _taken_out(state, log, submission) or _ended(store, state, newest_attempt(log))
    if failure:
        return StepState(state="failed", job=job, failure=failure)
    told = f"Slurm: {state.state.lower()}, but no result" if state and state != UNLISTED else ""
    return StepState(state="unknown", job=job, detail=trouble or told or f"Slurm does not know job {job}")


def _is_shared(folder: Path, step: Step) -> bool:
    """Tell whether workers of this machine share the parts of a step, which needs no lease."""
    progress = folder / PROGRESS
    if STAGES[step.stage].way != "parts" or not progress.exists():
        return False
    return time.time() - progress.stat().st_mtime < _FRESH


def _ended(store: Store, state: JobState | None, log: Sequence[str]) -> Failure | None:
    """Return why a job has ended: Slurm's word for it, else the last words of this attempt, else that it failed."""
    said = from_job(state.state, state.exit_code, state.node) if state else None
    if said is not None and said.kind not in ("killed", "job"):
        return said
    full = said is not None and shutil.disk_usage(store.root).free < _ROOM
    silent = Failure("disk", "no space left on the store's device, not even for a note") if full else None
    return from_log(log) or silent or said


def _taken_out(state: JobState | None, log: Sequence[str], submission: Submission) -> Failure | None:
    """Return that a job was cancelled of which Slurm keeps no trace, as of one element that had not begun."""
    if submission.note == CANCELLED:
        return Failure("cancelled", "taken out of the queue by mmprolong")
    if state == UNLISTED and not log:
        return Failure("cancelled", "Slurm: taken out of its array before it began")
    return None


def _json(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:  # torn, or nothing yet
        return {}
