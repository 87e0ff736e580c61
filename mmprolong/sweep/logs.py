"""What failed and running steps say: last lines of their logs, and failures grouped with the command that helps."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, read_traceback
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import tail
from mmprolong.sweep.commands import recovery_command
from mmprolong.sweep.state import StepState, step_states

_FEW = 6
"""Reasons of a group, and lines of its first step, that are shown."""


class FailureGroup(NamedTuple):
    """Steps of one stage that failed in one way."""

    steps: Sequence[Step]
    kind: str
    reasons: Sequence[tuple[str, int]]
    """Messages and their numbers, the commonest first."""
    words: Sequence[str]
    """Last lines of the first step."""
    advice: str
    """Next action; commands stand in backquotes."""


def last_words(folder: Path, state: StepState, lines: int) -> list[str]:
    """Return the end of the traceback of a failed step; without one, the last lines of its log."""
    traceback = read_traceback(folder) if state.failure else []
    return traceback[-lines:] or (tail(state.log, lines) if state.log else [])


def last_lines(store: Store, plan: Plan, match: str, lines: int) -> Iterator[tuple[Step, str, Path, list[str]]]:
    """Yield step, state, log and its last lines of the steps whose label or `stage/id` contains `match`.

    Without `match`, those of the failed and running ones.

    Args:
        lines: largest number of lines from a log; a traceback is whole.
    """
    for name, at in step_states(store, plan).items():
        step, folder = plan.steps[name], store.folder(plan.steps[name].stage, name)
        chosen = match in step.label or match in step.path if match else at.state in ("failed", "running")
        if chosen and (at.log or at.failure):
            failure = [f"{at.failure.kind}: {at.failure.message}", *read_traceback(folder)] if at.failure else []
            logged = tail(at.log, lines) if at.log and len(failure) < 2 else []
            yield step, at.state, at.log or folder / FAILED, failure + logged


def group_failures(store: Store, plan: Plan, states: Mapping[str, StepState]) -> list[FailureGroup]:
    """Return all failures by stage and kind, those of most steps first."""
    groups: dict[tuple[str, str], list[tuple[Step, Failure]]] = defaultdict(list)
    for name, at in states.items():
        if at.failure:
            step = plan.steps[name]
            groups[step.stage, at.failure.kind].append((step, at.failure))
    found = []
    for (stage, kind), failed in groups.items():
        first, failure = failed[0]
        reasons = Counter(each.message for _, each in failed).most_common(_FEW)
        words = last_words(store.folder(stage, first.id), states[first.id], _FEW)
        advice = failure.advice(stage, recovery_command(store, plan, first, kind))
        found.append(FailureGroup([step for step, _ in failed], kind, reasons, words, advice))
    return sorted(found, key=lambda group: -len(group.steps))
