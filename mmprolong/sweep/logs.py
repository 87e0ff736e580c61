"""What failed and running steps say: the last lines of their logs, and what helps."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, read_traceback
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import tail
from mmprolong.sweep.commands import recovery_command
from mmprolong.sweep.state import StepState, step_states


def last_lines(store: Store, plan: Plan, match: str, lines: int) -> Iterator[tuple[Step, str, Path, list[str]]]:
    """Yield step, state, log and its last lines of the steps whose label or `stage/id` contains `match`.

    Without `match`, those of the failed and running ones.
    """
    for name, at in step_states(store, plan).items():
        step = plan.steps[name]
        chosen = match in step.label or match in step.path if match else at.state in ("failed", "running")
        if chosen and (at.log or at.failure):
            why = f" ({at.failure.kind}): {at.failure.message}" if at.failure else ""
            folder = store.folder(step.stage, name)
            words = read_traceback(folder) if at.failure else []
            shown = words[max(0, len(words) - lines) :] if words or not at.log else tail(at.log, lines)
            yield step, at.state + why, at.log or folder / FAILED, shown


def failure_lines(store: Store, plan: Plan, states: Mapping[str, StepState]) -> Iterator[str]:
    """Yield a line for each failure, the commonest first, with what helps; and one for the blocked steps."""
    groups: dict[tuple[str, Failure], list[Step]] = defaultdict(list)
    for step, at in ((plan.steps[name], at) for name, at in states.items()):
        if at.failure:
            groups[step.stage, at.failure].append(step)
    for (stage, failure), (first, *others) in sorted(groups.items(), key=lambda group: -len(group[1])):
        more = f" and {len(others)} more of {stage}" if others else ""
        advice = failure.advice(stage, recovery_command(store, plan, failure.kind))
        yield f"{first.label}{more} failed ({failure.kind}): {failure.message}; {advice}"
    if blocked := sum(at.state == "blocked" for at in states.values()):
        yield f"{blocked} steps need a failed one and were not run"
