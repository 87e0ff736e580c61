"""Last lines of the logs of steps, on Slurm or on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import read_traceback
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.log_files import tail
from mmprolong.sweep.state import StepState, step_states


class LastLines(NamedTuple):
    """End of the log of a step."""

    step: Step
    state: str
    path: Path
    """File with these lines and all that was written before."""
    lines: list[str]


def last_words(folder: Path, state: StepState, lines: int) -> list[str]:
    """Return the end of the traceback of a failed step; without one, the last lines of its log."""
    traceback = read_traceback(folder) if state.failure else []
    return traceback[-lines:] or (tail(state.log, lines) if state.log else [])


def last_lines(store: Store, plan: Plan, match: str, lines: int) -> Iterator[LastLines]:
    """Yield the steps whose label or `stage/id` contains `match`; without `match`, the failed and running ones.

    Args:
        lines: largest number of lines from a log; a traceback is whole.
    """
    for name, at in step_states(store, plan).items():
        step, folder = plan.steps[name], store.folder(plan.steps[name].stage, name)
        chosen = match in step.label or match in step.path if match else at.state in ("failed", "running")
        if chosen and (at.log or at.failure):
            failure = [f"{at.failure.kind}: {at.failure.message}", *read_traceback(folder)] if at.failure else []
            logged = tail(at.log, lines) if at.log and len(failure) < 2 else []
            yield LastLines(step, at.state, at.log or folder / FAILED, failure + logged)
