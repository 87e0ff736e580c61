"""Failures of a sweep, grouped by stage and kind, with the command that helps."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure
from mmprolong.store.store import Store
from mmprolong.sweep.commands import recovery_command
from mmprolong.sweep.logs import last_words
from mmprolong.sweep.state import StepState

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


def group_failures(store: Store, plan: Plan, states: Mapping[str, StepState]) -> list[FailureGroup]:
    """Return all failures, those of most steps first."""
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
