"""What the steps of a plan wrote last, on Slurm or on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.standing import Standing, log_path, standings, tail, traceback
from mmprolong.sweep.submissions import latest
from mmprolong.sweep.worker_logs import StepLog, step_logs


@dataclass(frozen=True, slots=True)
class Said:
    """The last words of one step."""

    step: Step
    state: str
    path: Path
    """Where they stand, with what was written before."""
    lines: list[str]


def last_said(store: Store, plan: Plan, match: str, lines: int) -> Iterator[Said]:
    """The steps whose label or `stage/id` contains `match`; without it those that failed or run.

    Args:
        lines: most that are given of a log; a traceback is whole.
    """
    jobs, here = latest(store), step_logs(store)
    for name, at in standings(store, plan).items():
        step = plan.steps[name]
        if not (match in step.label or match in step.path if match else at.state in ("failed", "running")):
            continue
        path = log_path(store, jobs[name]) if name in jobs else None
        if path and not _since(store, step, here.get(step.path), max(jobs[name].time, _written(path))):
            yield Said(step, at.state, path, tail(path, lines))
        elif (said := _here(store, step, at, here.get(step.path), lines)) is not None:
            yield said


def _since(store: Store, step: Step, log: StepLog | None, time: str) -> bool:
    """Whether a step has said something on this machine since its job on Slurm last did."""
    note = store.folder(step.stage, step.id) / FAILED
    return any(_written(path) > time for path in (note, *([log.path] if log else [])))


def _written(path: Path) -> str:
    """When a file was written last: UTC, ISO 8601; empty if it is not there."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat() if path.exists() else ""


def _here(store: Store, step: Step, at: Standing, log: StepLog | None, lines: int) -> Said | None:
    """Of a step that ran on this machine: its failure with the traceback, or else what its worker wrote meanwhile."""
    folder = store.folder(step.stage, step.id)
    failure = [f"{at.failure.kind}: {at.failure.message}"] if at.failure else []
    left = traceback(folder, at.failure)
    if log is None and not failure:
        return None
    written = log.lines[-lines:] if log and lines else []
    return Said(step, at.state, log.path if log else folder / FAILED, [*failure, *(left or written)])
