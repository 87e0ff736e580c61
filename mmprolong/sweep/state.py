"""States of the steps of a plan, from the disk first and from the queue second."""

import json
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError, SchedulerError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_job, from_log, read_failure
from mmprolong.settings.stages import STAGES
from mmprolong.store.lease import is_held
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import LOG, PROGRESS, Store, remove_scratch
from mmprolong.sweep.assignment import local_log, newest_attempt, tail
from mmprolong.sweep.slurm.job_list import Submission, job_log, read_jobs
from mmprolong.sweep.slurm.queue import JobState, Queue, SlurmQueue

_LAST_LINES = 50
"""Last lines of a job's log that may name the reason of its end."""
_FRESH = 60.0
"""Age of its progress up to which a step in parts counts as running [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """State of one step."""

    state: str
    """`finished`, `running`, `queued`, `failed`, `blocked` (needs a failed one), `unknown`, or `open`."""
    job: str = ""
    detail: str = ""
    """Reason why it waits, why its state is unknown, or why it is not in the store."""
    failure: Failure | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    """`done`, `total`, `unit`, `rate` [1/s]; empty while it starts."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Last line of its metrics."""
    record: RunRecord | None = None
    """Record of a finished step; None if its folder was deleted."""
    log: Path | None = None
    """Newest log of its processes on this machine or of its jobs on Slurm; None if there is none."""


def step_states(store: Store, plan: Plan, queue: Queue | None = None) -> dict[str, StepState]:
    """Return the states of a plan's steps by id. Slurm is asked only about unfinished steps with a job."""
    recorded = {name: state for name, step in plan.steps.items() if (state := _recorded_state(store, step)) is not None}
    finished = {name for name, each in recorded.items() if each.state == "finished"}
    deleted = StepState(state="finished", detail="its folder was deleted, and no unfinished step needs it")
    settled = dict.fromkeys(unneeded_steps(plan, finished), deleted) | recorded
    known = {name: each for name, each in read_jobs(store).items() if name in plan.steps}
    states, trouble = _ask(queue or SlurmQueue(), [each for name, each in known.items() if name not in settled])
    found: dict[str, StepState] = {}
    for name, step in plan.steps.items():
        state = settled.get(name) or _unfinished(store, step, known.get(name), states, trouble)
        if _is_idle(state) and any(found[each].state in ("failed", "blocked") for each in step.inputs.values()):
            state = StepState(state="blocked", job=state.job)
        jobs = (known[name].job, *known[name].elements) if name in known else ()
        logs = [local_log(store, step), *(job_log(store, job) for job in jobs)]
        written = [path for path in logs if path.exists()]
        found[name] = replace(state, log=max(written, key=lambda path: path.stat().st_mtime_ns, default=None))
    return found


def completed_steps(store: Store, plan: Plan) -> set[str]:
    """Return the steps that need no run: those in the store, and those that no unfinished step needs.

    Removes scratch files that a kill left in finished steps.

    Raises:
        ArtifactError: a finished step's folder is damaged.
    """
    finished = {name for name, step in plan.steps.items() if store.record(step.stage, name) is not None}
    for name in finished:
        remove_scratch(store.folder(plan.steps[name].stage, name))
    return finished | unneeded_steps(plan, finished)


def unneeded_steps(plan: Plan, finished: Set[str]) -> set[str]:
    """Return the steps that are not in the store and that no unfinished step needs.

    So a checkpoint may be deleted once its replies are scored. The last steps of the plan are always needed.
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
    """Return the state of a running step, with its progress and metrics."""
    metrics = (_json(line) for line in reversed(tail(folder / LOG, 2)))  # the last line may be torn
    progress = _json("".join(tail(folder / PROGRESS, _LAST_LINES)))
    return StepState(state="running", job=job, progress=progress, metrics=next((each for each in metrics if each), {}))


def job_state(submission: Submission, states: Mapping[str, JobState]) -> JobState | None:
    """Return the state of a step's job; while it waits for the jobs that share its parts, that of a running one."""
    state = states.get(submission.job)
    if state is not None and state.waiting:
        elements = [states[each] for each in submission.elements if each in states]
        return next((each for each in elements if each.live and not each.waiting), state)
    return state


def _recorded_state(store: Store, step: Step) -> StepState | None:
    """Return the state of a step with a record: finished, or failed if the record or one of its files is damaged."""
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
    """Return True if a step neither runs nor waits nor has a failure of its own."""
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
    failure = read_failure(folder)  # of the newest attempt: a launch removes older ones
    if failure or submission is None:
        return StepState(state="failed" if failure else "open", job=job, failure=failure)
    log = tail(job_log(store, job), _LAST_LINES)
    if submission.cancelled:
        failure = Failure("cancelled", "taken out of the queue by mmprolong")
    else:  # Slurm's own word, unless it says less than the log
        reason = from_job(state.state, state.exit_code, state.node) if state else None
        vague = reason is None or reason.kind in ("killed", "job")
        failure = (from_log(newest_attempt(log)) or reason) if vague else reason
    if failure:
        return StepState(state="failed", job=job, failure=failure)
    reason = f"Slurm: {state.state.lower()}, but no result" if state else ""
    return StepState(state="unknown", job=job, detail=trouble or reason or f"Slurm does not know job {job}")


def _is_shared(folder: Path, step: Step) -> bool:
    """Return True if workers of this machine share the parts of a step, which needs no lease."""
    progress = folder / PROGRESS
    if STAGES[step.stage].way != "parts" or not progress.exists():
        return False
    return time.time() - progress.stat().st_mtime < _FRESH


def _json(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:  # torn, or nothing yet
        return {}
