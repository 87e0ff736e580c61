"""Means and differences with 95 % intervals and p, by one formula: docs/statistics.md writes it out.

Two sources of variance, each with its own degrees of freedom, are joined as Satterthwaite (Biometrics Bulletin 2 (1946)
110-114) and Welch (Biometrika 34 (1947) 28-35) do: clusters (Miller, arXiv 2411.00640) and the seeds of each arm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from mmprolong.reporting.statistics.scores import ArmScores, Questions

if TYPE_CHECKING:
    from numpy import ndarray

K = TypeVar("K")
LEVEL = 0.05
"""Of all tests; intervals are of confidence 1 - LEVEL."""
RULE_OF_THREE = 3.0
"""Where none of n clusters fails, at most 3/n of them do, with a confidence of 95 %.

Source: Hanley and Lippman-Hand, JAMA 249 (1983) 1743-1745.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean or a difference of means with its 95 % interval, in the unit of the scores ([0, 1])."""

    value: float
    low: float
    high: float
    p: float = 1.0
    """Two-sided, that the truth is 0; of several comparisons after Holm's correction over them."""
    standard_error: float = 0.0
    degrees_of_freedom: float = 0.0

    @property
    def significant(self) -> bool:
        """It differs from 0 at `LEVEL`."""
        return self.p < LEVEL


def mean(arm: ArmScores) -> Estimate:
    """Return the average of an arm over its runs, within what scores can be."""
    return _estimate(float(arm.means.mean()), arm.influence, arm.questions, [arm], 0.0)


def difference(arm: ArmScores, baseline: ArmScores) -> Estimate:
    """Return `arm` minus `baseline`, paired by cluster.

    Seeds are not paired: seed 0 of one arm has nothing in common with seed 0 of the other. An arm with one run has no
    term of its own for seeds; the interval then speaks of this very model.

    Args:
        baseline: answered the same questions.
    """
    value = float(arm.means.mean() - baseline.means.mean())
    return _estimate(value, arm.influence - baseline.influence, arm.questions, [arm, baseline], -1.0)


def holm(p: Mapping[K, float]) -> dict[K, float]:
    """Adjust the p-values of one table, so that the chance of any false mark in it stays at the level.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    adjusted: dict[K, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p, key=lambda name: p[name])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p}


def corrected(found: Mapping[K, Estimate | None]) -> dict[K, Estimate | None]:
    """Return the comparisons of one table with p after Holm's correction, which counts those without result, too."""
    p = holm({name: 1.0 if one is None else one.p for name, one in found.items()})
    return {name: one and replace(one, p=p[name]) for name, one in found.items()}


def _estimate(
    value: float, influence: "ndarray", questions: Questions, arms: Sequence[ArmScores], minimum: float
) -> Estimate:
    """Return the estimate; `minimum` is the smallest value, as a share of the largest."""
    sources = [(variance_by_clusters(influence, questions), questions.degrees_of_freedom)]
    several = (arm.means for arm in arms if len(arm.means) > 1)
    sources += [(float(means.var(ddof=1)) / len(means), len(means) - 1) for means in several]
    return estimate(value, sources, float(questions.weights.sum()), minimum)


def estimate(
    value: float, sources: Sequence[tuple[float, int]], largest: float, minimum: float, covariance: float = 0.0
) -> Estimate:
    """Return the estimate of a value whose variance has several sources, each with its degrees of freedom.

    Args:
        minimum: smallest value, as a share of `largest`.
        covariance: what the sources' variances do not add up to.
    """
    from scipy.special import stdtr, stdtrit

    apart = sum(part for part, _ in sources)
    degrees = apart**2 / sum(part**2 / each for part, each in sources)
    variance = max(apart + covariance, 1e-9 * apart)
    error = variance**0.5
    value = min(max(value, minimum * largest), largest)  # without what rounding adds
    half = float(stdtrit(degrees, 1 - LEVEL / 2)) * error
    return Estimate(
        value=value,
        low=max(value - half, minimum * largest),
        high=min(value + half, largest),
        p=2 * float(stdtr(degrees, -abs(value) / error)),
        standard_error=error,
        degrees_of_freedom=degrees,
    )


def variance_by_clusters(influence: "ndarray", questions: Questions) -> float:
    """Return the variance by clusters.

    Where no cluster disagrees, as when all is right or all wrong, it is that of an interval by the rule of three: whole
    clusters answer otherwise, not single questions. A cell that rests on one cluster may be anything.
    """
    from scipy.special import stdtrit

    quantile = float(stdtrit(questions.degrees_of_freedom, 1 - LEVEL / 2))
    largest = float(questions.weights.sum())
    variance = float((influence**2).sum())
    if variance < (1e-9 * largest) ** 2:
        variance = (RULE_OF_THREE * largest / questions.clusters / quantile) ** 2
    return variance + questions.single_cluster / quantile**2
