"""Means and differences with intervals that say what they cover.

An interval speaks of new documents like the evaluated ones, and, where an arm has at least two seeds, of new seeds.
Questions on one document are right or wrong together, so documents are resampled, not questions. Both arms answer the
same documents, so a difference resamples them together. The headline score is a mean over cells: over lengths, and at
each length over tasks. Each document's pull on it (its questions' deviations from their cell's mean, weighted) is
computed once, and a resample is a sum of pulls: linear in the documents, and no cell can run empty.

Seeds are few: how far they spread is left uncertain, with a chance for each possibility (spread.py), and a resample
draws it anew, with the seeds' part from a normal law, because two or three seeds have no shape.
benchmarks/coverage.py measures how often such intervals hold the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from mmprolong.errors import ArtifactError
from mmprolong.records import Score
from mmprolong.reporting.statistics.spread import APART, Spread, Table, by_seeds, no_spread, two_sided, wider

if TYPE_CHECKING:
    from numpy import ndarray

K = TypeVar("K")
RESAMPLES = 10_000
LEVEL = 0.05
"""Of all tests; intervals are of confidence 1 - LEVEL."""


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
    """What was drawn anew, documents or documents and seeds: the interval speaks of these and nothing else."""
    p: float = 1.0
    """For a difference: the larger of the p of the interval's own spread and of the permutation by document."""

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Outcomes:
    """The scores of one arm, summed by document: all that the statistics need."""

    sums: "ndarray"
    """Summed scores, (seeds, documents, cells); a cell is a length and a task."""
    counts: "ndarray"
    """Questions, (documents, cells)."""
    weights: "ndarray"
    """Share of each cell in the headline score, (cells,)."""
    documents: tuple[str, ...]
    drawn: bool = False
    """Whether a single run is one draw of several that are planned; else it is a statement about this very model."""

    @cached_property
    def accuracy(self) -> "ndarray":
        """Mean score, (seeds, cells)."""
        return self.sums.sum(1) / self.counts.sum(0)

    @cached_property
    def overall(self) -> "ndarray":
        """Headline score, (seeds,)."""
        return self.accuracy @ self.weights

    @cached_property
    def pulls(self) -> "ndarray":
        """How far each document moves `overall` from where it is, (seeds, documents); each row adds up to 0."""
        centred = self.sums - self.accuracy[:, None, :] * self.counts
        return centred / self.counts.sum(0) @ self.weights

    @cached_property
    def freedom(self) -> int:
        """Documents less the cells' means that were taken from them: one for each kind of document."""
        kinds = {tuple(row) for row in (self.counts > 0).tolist()}
        return max(len(self.documents) - len(kinds), 1)

    @cached_property
    def parts(self) -> "ndarray":
        """What each document adds to `overall`, mean over seeds, (documents,)."""
        return (self.sums / self.counts.sum(0) @ self.weights).mean(0)


def outcomes(runs: Sequence[Sequence[Score]], lengths: Sequence[str], planned: int = 1) -> Outcomes:
    """The scores of one arm's runs at `lengths`, summed by document.

    Args:
        planned: how many runs the arm is to have.

    Raises:
        ArtifactError: the runs did not answer the same questions, or nothing was asked at a length.
    """
    import numpy as np

    kept = [[score for score in run if score.length in lengths] for run in runs]
    cells = sorted({(score.length, score.task) for run in kept for score in run})
    documents = tuple(sorted({score.document for run in kept for score in run}))
    column, row = ({name: index for index, name in enumerate(names)} for names in (cells, documents))
    counts = np.zeros((len(kept), len(documents), len(cells)))
    sums = np.zeros_like(counts)
    for seed, run in enumerate(kept):
        for score in run:
            at = seed, row[score.document], column[score.length, score.task]
            counts[at] += 1
            sums[at] += score.value
    if (counts != counts[:1]).any():
        raise ArtifactError("scores: the seeds of an arm answered different questions; compare runs of one suite")
    weights = np.array(_weights([length for length, _ in cells], lengths))
    return Outcomes(sums=sums, counts=counts[0], weights=weights, documents=documents, drawn=planned > 1)


def _weights(cells: Sequence[str], lengths: Sequence[str]) -> list[float]:
    """Equal shares for the lengths, and within a length for its tasks."""
    empty = [length for length in lengths if length not in cells]
    if empty:
        raise ArtifactError(f"scores: no question at length {empty[0]!r}; evaluate it, or take it out of suite.overall")
    return [1 / len(lengths) / cells.count(length) for length in cells]


def mean(arm: Outcomes, resamples: int = RESAMPLES, pool: Sequence[Outcomes] = ()) -> Estimate:
    """The headline score of an arm, mean over its seeds, with its 95 % interval.

    Covers: documents, and seeds if there are at least two. One seed, or a model that was not trained: documents alone.

    Args:
        pool: the arms of the table, whose seeds may spread alike; by default this one.
    """
    found = _estimate(float(arm.overall.mean()), [arm], arm.pulls.mean(0), resamples, pool)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, float(arm.weights.sum())))


def difference(
    arm: Outcomes, baseline: Outcomes, resamples: int = RESAMPLES, pool: Sequence[Outcomes] = ()
) -> Estimate:
    """`arm` minus `baseline`, paired by document, with its 95 % interval and p.

    Covers: documents, drawn together for both arms, and the seeds of every arm that has at least two. Seeds of the two
    arms are not paired: seed 0 of one has nothing in common with seed 0 of the other. A model that was not trained has
    no seed: it is part of the statement ("this base model"), not of the interval. The only finished run of an arm that
    is to have more is a draw like theirs, and is taken to spread as the table does.

    Args:
        pool: the arms of the table, whose seeds may spread alike; by default these two.

    Raises:
        ArtifactError: the arms did not answer the same documents.
    """
    if arm.documents != baseline.documents or (arm.counts != baseline.counts).any():
        raise ArtifactError("scores: the arms answered different questions; compare runs of one suite")
    value = float(arm.overall.mean() - baseline.overall.mean())
    pulls = arm.pulls.mean(0) - baseline.pulls.mean(0)
    estimate = _estimate(value, [arm, baseline], pulls, resamples, pool)
    p = max(estimate.p, permutation(arm.parts - baseline.parts, resamples))
    return replace(estimate, p=p)


def permutation(parts: "ndarray", resamples: int = RESAMPLES) -> float:
    """Two-sided p of a summed difference under random exchange of the two arms, document by document.

    Covers documents only: it says whether these two sets of weights differ, not whether another seed would. Scores are
    right or wrong, so many exchanges reach the difference exactly; those count half (the mid-p value).

    Args:
        parts: what each document adds to the difference, (documents,).
    """
    import numpy as np

    generator = np.random.default_rng(0)
    signs = generator.integers(0, 2, (resamples, len(parts)), dtype=np.int8) * 2 - 1
    drawn, observed = np.abs(signs @ parts), abs(parts.sum())
    above, reached = (drawn > observed * (1 + 1e-9)).sum(), (drawn >= observed * (1 - 1e-9)).sum()
    return float(((above + reached) / 2 + 1) / (resamples + 1))


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
    several = {name: arm for name, arm in rows.items() if len(arm.overall) > 1}
    if not several:
        return []
    chances = wider(_table(list(several.values())))
    return [name for name, chance in zip(several, chances, strict=True) if chance > APART]


def _estimate(
    value: float, arms: Sequence[Outcomes], pulls: "ndarray", resamples: int, pool: Sequence[Outcomes]
) -> Estimate:
    import numpy as np

    generator = np.random.default_rng(0)
    documents, free = len(pulls), arms[0].freedom
    spread, covers = _spread(arms, pool)
    draws = generator.integers(0, documents, (resamples, documents), dtype=np.int32)
    stretch = (documents / generator.chisquare(free, resamples)) ** 0.5
    seeds = generator.choice(spread.variances, resamples, p=spread.weights) ** 0.5
    resampled = value + pulls[draws].sum(1) * stretch + seeds * generator.normal(size=resamples)
    low, high = np.quantile(resampled, [LEVEL / 2, 1 - LEVEL / 2])
    by_documents = documents / free * (pulls**2).sum()
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=int(arms[0].counts.sum()),
        documents=documents,
        covers=covers,
        p=float(two_sided(np.asarray(value), by_documents, free, spread)),
    )


def _spread(arms: Sequence[Outcomes], pool: Sequence[Outcomes]) -> tuple[Spread, str]:
    """What the seeds of `arms` add, those that are draws of several, and what an interval then covers."""
    seeded = [arm for arm in arms if arm.drawn or len(arm.overall) > 1]
    others = [arm for arm in pool if _spreads(arm) and not any(_same(arm, one) for one in seeded)]
    if not seeded or all(len(arm.overall) == 1 for arm in (*seeded, *others)):
        return no_spread(), "documents"
    return by_seeds(_table([*seeded, *others]), len(seeded)), "documents and seeds"


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
    """Whether an arm tells how far others' seeds spread: not where every run is right, or wrong, at the same places, as
    at the floor or the ceiling of the scores.
    """
    return bool((arm.sums != arm.sums[:1]).any())


def _private(arm: Outcomes) -> float:
    """Squared deviations of the seeds from their mean that single documents explain."""
    return float(((arm.pulls - arm.pulls.mean(0)) ** 2).sum()) * len(arm.documents) / arm.freedom
