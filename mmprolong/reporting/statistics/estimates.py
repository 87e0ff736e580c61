"""Means and differences with intervals that say what they cover, and the p of differences.

An interval speaks of new documents like the evaluated ones, and, where an arm has at least two seeds, of new seeds.
Questions on one document are right or wrong together, so documents are counted, not questions; both arms answer the
same documents, so a difference takes them in pairs. An interval rests on the seeds of its own arms (interval.py), so
that it holds whatever the others do. A p that is to stand among many comparisons needs more than two or three seeds
can tell: it weighs the seeds of all arms (spread.py). A difference is clear where both say so.
benchmarks/coverage.py and benchmarks/power.py measure how often they are right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mmprolong.errors import ArtifactError
from mmprolong.reporting.statistics.interval import of_documents, of_documents_and_seeds
from mmprolong.reporting.statistics.outcomes import Outcomes
from mmprolong.reporting.statistics.spread import APART, Table, by_seeds, no_spread, two_sided, wider

if TYPE_CHECKING:
    from numpy import ndarray

K = TypeVar("K")
EXCHANGES = 10_000
DOCUMENTS, SEEDS = "documents", "documents and seeds"
"""What an interval covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean or a difference of means, in the unit of the scores ([0, 1])."""

    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    n: int
    """Questions, of one run."""
    documents: int
    covers: str
    """`DOCUMENTS` or `SEEDS`: the interval speaks of others of these and nothing else."""
    p: float = 1.0
    """For a difference: the larger of the p of what seeds and documents spread and of the permutation by document."""

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def mean(arm: Outcomes, pool: Sequence[Outcomes] = ()) -> Estimate:
    """The headline score of an arm, mean over its seeds, with its 95 % interval.

    Covers: documents, and seeds if there are at least two. A model that was not trained, or whose seeds give the same
    replies: documents alone.

    Args:
        pool: the arms of the table; the only finished run of an arm that is to have more spreads as theirs do.
    """
    value, top = float(arm.overall.mean()), float(arm.weights.sum())
    found = _Evidence.of([arm], arm.pulls.mean(0), pool)
    return found.estimate(value, max(value - found.half, 0.0), min(value + found.half, top))


def difference(
    arm: Outcomes, baseline: Outcomes, exchanges: int = EXCHANGES, pool: Sequence[Outcomes] = ()
) -> Estimate:
    """`arm` minus `baseline`, paired by document, with its 95 % interval and p.

    Covers: documents, drawn together for both arms, and the seeds of every arm that has at least two. Seeds of the two
    arms are not paired: seed 0 of one has nothing in common with seed 0 of the other. A model that was not trained has
    no seed: it is part of the statement ("this base model"), not of the interval. The only finished run of an arm that
    is to have more is a draw like theirs, and is taken to spread as the table does.

    Args:
        exchanges: of the permutation.
        pool: the arms of the table, whose seeds may spread alike; by default these two.

    Raises:
        ArtifactError: the arms did not answer the same documents.
    """
    if arm.documents != baseline.documents or (arm.counts != baseline.counts).any():
        raise ArtifactError("scores: the arms answered different questions; compare runs of one suite")
    value = float(arm.overall.mean() - baseline.overall.mean())
    found = _Evidence.of([arm, baseline], arm.pulls.mean(0) - baseline.pulls.mean(0), pool)
    p = max(found.p(value), permutation(arm.parts - baseline.parts, exchanges))
    return found.estimate(value, value - found.half, value + found.half, p)


def permutation(parts: "ndarray", exchanges: int = EXCHANGES) -> float:
    """Two-sided p of a summed difference under random exchange of the two arms, document by document.

    Covers documents only: it says whether these two sets of weights differ, not whether another seed would. Scores are
    right or wrong, so many exchanges reach the difference exactly; those count half (the mid-p value).

    Args:
        parts: what each document adds to the difference, (documents,).
    """
    import numpy as np

    generator = np.random.default_rng(0)
    signs = generator.integers(0, 2, (exchanges, len(parts)), dtype=np.int8) * 2 - 1
    drawn, observed = np.abs(signs @ parts), abs(parts.sum())
    above, reached = (drawn > observed * (1 + 1e-9)).sum(), (drawn >= observed * (1 - 1e-9)).sum()
    return float(((above + reached) / 2 + 1) / (exchanges + 1))


def holm(p: Mapping[K, float]) -> dict[K, float]:
    """The p-values of one table, adjusted so that the chance of any false mark in it stays at the level.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    adjusted: dict[K, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p, key=lambda name: p[name])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p}


def apart(rows: Mapping[K, Outcomes]) -> list[K]:
    """Arms of a table whose seeds spread more than those of the others."""
    several = {name: arm for name, arm in rows.items() if _spreads(arm)}
    if not several:
        return []
    chances = wider(_table(list(several.values())))
    return [name for name, chance in zip(several, chances, strict=True) if chance > APART]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What the data show of how uncertain a mean or a difference is."""

    n: int
    documents: int
    free: int
    """Degrees of freedom of `by_documents`."""
    by_documents: float
    """Variance by documents with the noise of single answers; never less than if one more answer were another."""
    whole: float
    """All that scores can be, where documents do not tell how others would differ; else 0."""
    table: Table
    """The arms that have seeds, first those that are spoken of."""
    sides: int
    """How many of them are spoken of; 0: documents alone."""

    @classmethod
    def of(cls, arms: Sequence[Outcomes], pulls: "ndarray", pool: Sequence[Outcomes]) -> "_Evidence":
        """`pulls` (documents,) of the mean or difference of `arms`; those are spoken of that are draws of several."""
        seeded = [arm for arm in arms if _spreads(arm) or (arm.drawn and len(arm.overall) == 1)]
        others = [arm for arm in pool if _spreads(arm) and not any(_same(arm, one) for one in seeded)]
        known = any(len(arm.overall) > 1 for arm in (*seeded, *others))
        return cls(
            n=int(arms[0].counts.sum()),
            documents=len(pulls),
            free=arms[0].freedom,
            by_documents=max(float((pulls**2).sum()), arms[0].answer ** 2),
            whole=float(arms[0].weights.sum()) if arms[0].lone else 0.0,
            table=_table([*seeded, *others]),
            sides=len(seeded) if known else 0,
        )

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        import numpy as np

        documents = np.asarray(self.by_documents)
        if self.whole:
            return self.whole
        if self.sides == 0:
            return float(of_documents(documents, self.free))
        return float(of_documents_and_seeds(documents, self.free, self.table, self.sides))

    def p(self, value: float) -> float:
        """The chance of a difference as large as `value` where there is none."""
        import numpy as np

        spread = by_seeds(self.table, self.sides) if self.sides else no_spread()
        return float(two_sided(np.asarray(value), np.asarray(self.by_documents), self.free, spread))

    def estimate(self, value: float, low: float, high: float, p: float = 1.0) -> Estimate:
        """The estimate with these ends."""
        covers = SEEDS if self.sides else DOCUMENTS
        return Estimate(value=value, low=low, high=high, n=self.n, documents=self.documents, covers=covers, p=p)


def _table(arms: Sequence[Outcomes]) -> Table:
    import numpy as np

    more = [max(len(arm.overall) - 1, 1) for arm in arms]
    return Table(
        between=np.array([arm.overall.var() * len(arm.overall) for arm in arms]) / more,
        explained=np.array([_private(arm) for arm in arms]) / more,
        seeds=np.array([len(arm.overall) for arm in arms]),
    )


def _same(one: Outcomes, other: Outcomes) -> bool:
    import numpy as np

    return one is other or np.array_equal(one.sums, other.sums)


def _spreads(arm: Outcomes) -> bool:
    """Whether an arm tells how far seeds spread: not where every run is right, or wrong, at the same places, as at the
    floor or the ceiling of the scores.
    """
    return bool((arm.sums != arm.sums[:1]).any())


def _private(arm: Outcomes) -> float:
    """Squared deviations of the seeds from their mean that single documents explain."""
    return float(((arm.pulls - arm.pulls.mean(0)) ** 2).sum())
