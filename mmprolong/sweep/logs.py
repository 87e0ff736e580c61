"""What the steps of a plan wrote last, on Slurm or on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.log_files import StepLog, tail, worker_logs
from mmprolong.sweep.state import StepState, step_states, traceback


@dataclass(frozen=True, slots=True)
class LastLines:
    """The last words of one step."""

    step: Step
    state: str
    path: Path
    """Where they stand, with what was written before."""
    lines: list[str]


def last_lines(store: Store, plan: Plan, match: str, lines: int) -> Iterator[LastLines]:
    """Yield the steps whose label or `stage/id` contains `match`; without it those that failed or run.

    Args:
        lines: most that are given of a log; a traceback is whole.
    """
    here = worker_logs(store)
    for name, state in step_states(store, plan).items():
        step = plan.steps[name]
        if not (match in step.label or match in step.path if match else state.state in ("failed", "running")):
            continue
        own, note = here.get(step.path), store.folder(step.stage, name) / FAILED
        latest_here = max(_written(note), _written(own.path if own else None))
        if state.log and _written(state.log) >= latest_here:
            yield LastLines(step, state.state, state.log, tail(state.log, lines))
        elif own or state.failure:
            yield _from_here(step, state, own, note, lines)


def _written(path: Path | None) -> int:
    """Return when a file was written last, by the clock of its file system [ns]; 0 if it is not there."""
    return path.stat().st_mtime_ns if path and path.exists() else 0


def _from_here(step: Step, state: StepState, log: StepLog | None, note: Path, lines: int) -> LastLines:
    """Return the failure of a step with its traceback, or else what its worker wrote meanwhile."""
    failure = [f"{state.failure.kind}: {state.failure.message}"] if state.failure else []
    written = log.lines[-lines:] if log and lines else []
    left = traceback(note.parent, state.failure)
    return LastLines(step, state.state, log.path if log else note, [*failure, *(left or written)])
