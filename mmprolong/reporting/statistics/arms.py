"""The rows of an ablation, measured: one `Arm` a label, each compared with the baseline and with the best."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from mmprolong.reporting.sources.runs import Result, Runs
from mmprolong.reporting.statistics.contrasts import Compared, compare
from mmprolong.reporting.statistics.estimates import Estimate, mean
from mmprolong.reporting.statistics.outcomes import Outcomes, outcomes


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
    """The headline: mean over the lengths of `suite.overall`, then over the runs."""
    sd: float | None = None
    """Standard deviation of the runs' headlines (n - 1); None for a single run."""
    delta: float | None = None
    """`score` minus the baseline's."""
    compared: Compared = field(default_factory=Compared)
    """Intervals, p and ties; empty where the source keeps no single questions."""

    @property
    def partial(self) -> bool:
        """Whether runs are missing."""
        return self.finished < self.planned


def measured(runs: Runs, lengths: Sequence[str] | None = None, others: Sequence[float] = ()) -> dict[str, Arm]:
    """Every row of the plan, in its order.

    Args:
        lengths: what the headline is the mean of; by default the suite's own choice.
        others: p of the comparisons in other columns of the table.
    """
    chosen = list(lengths or runs.overall)
    baseline = runs.plan.baseline
    compared = compare(
        _rows(runs, chosen), {label: baseline for label in runs.plan.labels if label != baseline}, others
    )
    reference = _headlines(runs.of(baseline), chosen)
    return {label: _arm(runs, label, chosen, reference, compared) for label in runs.plan.labels}


def by_length(runs: Runs) -> dict[str, dict[str, Estimate]]:
    """Every arm's score at each length that it was asked; without single questions an interval has no width."""
    points: dict[str, dict[str, Estimate]] = {label: {} for label in runs.plan.labels}
    for length in runs.lengths:
        rows = _rows(runs, [length])
        for label, found in points.items():
            value = _mean(runs.of(label), length)
            if label in rows:
                found[length] = mean(rows[label], pool=list(rows.values()))
            elif value is not None:
                found[length] = Estimate(value=value, low=value, high=value, n=0, documents=0, covers="")
    return points


def _rows(runs: Runs, lengths: Sequence[str]) -> dict[str, Outcomes]:
    """The rows whose single questions are kept."""
    return {
        label: outcomes([result.scores for result in found], lengths, runs.planned(label))
        for label in runs.plan.labels
        if (found := runs.of(label)) and all(result.scores for result in found)
    }


def _arm(runs: Runs, label: str, chosen: list[str], reference: list[float], compared: dict[str, Compared]) -> Arm:
    found = runs.of(label)
    scores = _headlines(found, chosen)
    known = scores and reference and label != runs.plan.baseline
    return Arm(
        label=label,
        finished=len(found),
        planned=runs.planned(label),
        questions=found[0].questions(runs.lengths) if found else None,
        accuracy={length: value for length in runs.lengths if (value := _mean(found, length)) is not None},
        score=fmean(scores) if scores else None,
        sd=stdev(scores) if len(scores) > 1 else None,
        delta=fmean(scores) - fmean(reference) if known else None,
        compared=compared.get(label, Compared()),
    )


def _headlines(found: list[Result], chosen: list[str]) -> list[float]:
    """The headline of every run; none if one of them was not asked at a length of it."""
    values = [[result.accuracy(length) for length in chosen] for result in found]
    known = [[value for value in row if value is not None] for row in values]
    return [fmean(row) for row in known] if chosen and all(len(row) == len(chosen) for row in known) else []


def _mean(found: list[Result], length: str) -> float | None:
    values = [value for result in found if (value := result.accuracy(length)) is not None]
    return fmean(values) if values and len(values) == len(found) else None
