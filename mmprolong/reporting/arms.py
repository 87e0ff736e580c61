"""The rows of an ablation, measured: one `Arm` a label, each compared with the baseline and with the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmprolong.reporting.runs import Result, Runs
from mmprolong.reporting.statistics import Estimate, Outcomes, difference, holm, mean, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row. What was not measured is None."""

    label: str
    finished: int
    """Runs that have a result."""
    planned: int
    questions: int | None = None
    """Questions that each run answered, over all lengths."""
    accuracy: dict[str, float]
    """By length, mean over the finished runs; a length that was not asked is left out."""
    score: float | None = None
    """The headline: mean over the lengths of `suite.overall`."""
    overall: Estimate | None = None
    """`score` with its interval; None where the source keeps no single questions."""
    delta: float | None = None
    """`score` minus the baseline's."""
    difference: Estimate | None = None
    clear: bool = False
    """Whether the difference stays clear of 0 after Holm's correction over the table."""
    near_best: bool = False
    """Whether the best arm's lead over this one has an interval that includes 0."""


def measure(runs: Runs, lengths: Sequence[str] | None = None) -> dict[str, Arm]:
    """Every row of the plan, in its order.

    Args:
        lengths: what the headline is the mean of; by default the suite's own choice.
    """
    chosen = list(lengths or runs.overall)
    arms = {label: _arm(runs, label, chosen) for label in runs.plan.labels}
    tallies = {
        label: outcomes([result.scores for result in found], chosen)
        for label in arms
        if (found := runs.of(label)) and all(result.scores for result in found)
    }
    arms = _against_baseline(arms, tallies, runs.plan.baseline)
    return _against_best(arms, tallies)


def by_length(runs: Runs, label: str) -> dict[str, Estimate]:
    """An arm's score at each length that was asked; without single questions an interval has no width.

    Two seeds would make an interval as wide as the scale, so it covers seeds from three on.
    """
    found = runs.of(label)
    points: dict[str, Estimate] = {}
    for length in runs.lengths:
        values = [value for result in found if (value := result.accuracy(length)) is not None]
        if found and all(result.scores for result in found):
            arm = outcomes([result.scores for result in found], [length])
            points[length] = mean(arm if len(found) > 2 else arm.one_run)
        elif values:
            value = sum(values) / len(values)
            points[length] = Estimate(value=value, low=value, high=value, n=0, documents=0, seeds=(len(values),))
    return points


def _arm(runs: Runs, label: str, chosen: list[str]) -> Arm:
    found = runs.of(label)
    accuracy = {length: value for length in runs.lengths if (value := _mean(found, length)) is not None}
    score = (
        sum(accuracy[length] for length in chosen) / len(chosen) if chosen and set(chosen) <= accuracy.keys() else None
    )
    return Arm(
        label=label,
        finished=len(found),
        planned=runs.planned(label),
        questions=found[0].questions(runs.lengths) if found else None,
        accuracy=accuracy,
        score=score,
    )


def _mean(found: list[Result], length: str) -> float | None:
    values = [value for result in found if (value := result.accuracy(length)) is not None]
    return sum(values) / len(values) if values and len(values) == len(found) else None


def _against_baseline(arms: dict[str, Arm], tallies: dict[str, Outcomes], baseline: str) -> dict[str, Arm]:
    reference = arms[baseline].score
    others = [label for label in tallies if label != baseline]
    pool = list(tallies.values())
    known = others if baseline in tallies else []
    found = {label: difference(tallies[label], tallies[baseline], pool=pool) for label in known}
    adjusted = holm({label: estimate.p for label, estimate in found.items()})
    measured: dict[str, Arm] = {}
    for label, arm in arms.items():
        estimate = found.get(label)
        measured[label] = replace(
            arm,
            overall=mean(tallies[label]) if label in tallies else None,
            delta=None if label == baseline else _minus(arm.score, reference),
            difference=estimate,
            clear=estimate is not None and estimate.clear and adjusted[label] < 0.05,
        )
    return measured


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _against_best(arms: dict[str, Arm], tallies: dict[str, Outcomes]) -> dict[str, Arm]:
    scores = {label: arm.score for label, arm in arms.items() if arm.score is not None and label in tallies}
    if not scores:
        return arms
    best = max(scores, key=lambda label: scores[label])
    pool = list(tallies.values())
    rest = [label for label in scores if label != best]
    near = {label for label in rest if not difference(tallies[best], tallies[label], pool=pool).clear}
    return {label: replace(arm, near_best=label in near) for label, arm in arms.items()}
