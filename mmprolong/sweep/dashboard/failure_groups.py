"""Failures, those of one kind and stage together: why, whose, the last words, and what to do."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.pipeline.plan import Plan
from mmprolong.runtime.failures import Failure
from mmprolong.store.store import Store
from mmprolong.sweep.commands import again
from mmprolong.sweep.standing import Standing, last_words

_LINES = 8
_SHOWN = 6
"""Labels, and reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Steps of one stage that failed in one way."""

    stage: str
    kind: str
    steps: int
    reasons: Sequence[tuple[str, int]]
    """What was found, and how often; the commonest first."""
    labels: Sequence[str]
    """The first of them."""
    words: Sequence[str]
    """The last lines that the first one wrote."""
    advice: str
    """Commands stand in backquotes."""


def failure_groups(store: Store, plan: Plan, where: Mapping[str, Standing]) -> list[FailureGroup]:
    """All failures, those of most steps first."""
    groups: dict[tuple[str, str], dict[str, Failure]] = defaultdict(dict)
    for name, each in where.items():
        if each.failure:
            groups[plan.steps[name].stage, each.failure.kind][name] = each.failure
    found = [_group(store, plan, where, stage, kind, each) for (stage, kind), each in groups.items()]
    return sorted(found, key=lambda each: -each.steps)


def _group(
    store: Store, plan: Plan, where: Mapping[str, Standing], stage: str, kind: str, failed: Mapping[str, Failure]
) -> FailureGroup:
    first, failure = next(iter(failed.items()))
    return FailureGroup(
        stage=stage,
        kind=kind,
        steps=len(failed),
        reasons=Counter(each.message for each in failed.values()).most_common(_SHOWN),
        labels=[plan.steps[name].label.removeprefix(f"{plan.ablation}/") for name in failed][:_SHOWN],
        words=last_words(store.folder(stage, first), where[first], _LINES),
        advice=failure.advice(stage, again(store, plan, stage, kind)),
    )
