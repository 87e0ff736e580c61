"""The scores so far: an arm's mean over those of its runs that are finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mmprolong.pipeline.plan import Plan
from mmprolong.sweep.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row's scores; None where no run is finished."""

    label: str
    finished: int
    planned: int
    """Different runs: seeds that change nothing count once."""
    overall: float | None
    accuracy: Sequence[float | None]
    """By length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All rows."""

    lengths: Sequence[str]
    arms: Sequence[Arm]

    @property
    def finished(self) -> int:
        """Runs that are."""
        return sum(arm.finished for arm in self.arms)

    @property
    def planned(self) -> int:
        """Runs in all."""
        return sum(arm.planned for arm in self.arms)


def scores(plan: Plan, where: Mapping[str, Standing]) -> Scores:
    """What the finished score steps of `plan` say, row by row."""
    metrics = {
        label: [_metrics(where[step]) for step in dict.fromkeys(point.steps["score"] for point in points)]
        for label, points in plan.rows.items()
    }
    known = [each for runs in metrics.values() for each in runs if each]
    lengths = list(dict.fromkeys(length for each in known for length in each["accuracy"]))
    return Scores(lengths=lengths, arms=[_arm(label, runs, lengths) for label, runs in metrics.items()])


def _metrics(at: Standing) -> Mapping[str, Any]:
    return at.record.metrics if at.record else {}


def _arm(label: str, runs: Sequence[Mapping[str, Any]], lengths: Sequence[str]) -> Arm:
    done = [each for each in runs if each]
    by_length = ([each["accuracy"][length] for each in done if length in each["accuracy"]] for length in lengths)
    return Arm(
        label=label,
        finished=len(done),
        planned=len(runs),
        overall=_mean([each["overall"] for each in done]),
        accuracy=[_mean(values) for values in by_length],
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
