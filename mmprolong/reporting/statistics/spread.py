"""How far a score moves from seed to seed, told from a few seeds of every arm of a table.

Two or three seeds say little of their own spread, so an arm is helped by the others. But an arm may spread more than
they do (training on one task alone, say, where some seeds lose the answer format), and three seeds may by luck agree.
So the spread is not estimated, but left uncertain. Before anything is seen, each order of magnitude of the table's
spread is as likely as the next; an arm spreads as the table does, or, with even odds, up to a hundred times as far.
What the seeds of all arms show weighs these possibilities (Bayes' rule on a grid), and the p of a difference is a mean
over them. It is thus bold where all arms agree that they spread alike, and careful where one does not.

Model: seeds ~ Normal(arm, sd²) plus the noise of single answers, whose variance is known from the documents. Such
mixtures of a common scale with wider ones are those of Box and Tiao, Biometrika 55 (1968) 119-129.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import ndarray

LEAST, MOST = 0.001, 0.5
"""Bounds of the table's spread: a tenth of a point, the last digit that is printed, and the most that scores can."""
WIDEST = 100
"""How many times as far as the table's an arm's seeds may spread."""
APART = 0.9
"""The chance from which on an arm is said to spread more than the others."""
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The arms of one table that have seeds; all arrays (..., arms), leading axes are repetitions."""

    between: "ndarray"
    """Variance of the headline score over an arm's seeds; of an arm of one run it is not looked at."""
    explained: "ndarray"
    """What of it single answers explain, which the documents carry already."""
    seeds: "ndarray"
    """Number of runs, (arms,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What the seeds may add to the variance of a difference."""

    variances: "ndarray"
    """The possibilities, (values,)."""
    weights: "ndarray"
    """Chance of each, (..., values)."""


def no_spread() -> Spread:
    """Where no seed is drawn, or nothing is known of how far seeds spread."""
    import numpy as np

    return Spread(variances=np.zeros(1), weights=np.ones(1))


def by_seeds(table: Table, sides: int) -> Spread:
    """What the seeds add to a comparison of the first `sides` arms of the table, one or two."""
    import numpy as np

    of_table, of_arm = _possible(table)
    first = _grid()[:, None] ** 2 / table.seeds[0]
    if sides == 1:
        weights = (of_table[..., None, :] @ of_arm[..., 0, :, :])[..., 0, :]
        return Spread(variances=first[:, 0], weights=weights)
    joint = (of_arm[..., 0, :, :] * of_table[..., None]).swapaxes(-1, -2) @ of_arm[..., 1, :, :]
    variances = first + _grid() ** 2 / table.seeds[1]
    return Spread(variances=variances.ravel(), weights=joint.reshape(*joint.shape[:-2], np.size(variances)))


def wider(table: Table) -> "ndarray":
    """The chance that each arm spreads more than the table does, (..., arms)."""
    import numpy as np

    of_table, of_arm = _possible(table)
    alike = np.diagonal(of_arm, axis1=-2, axis2=-1)
    return 1 - (of_table[..., None, :] * alike).sum(-1)


def two_sided(value: "ndarray", documents: "ndarray", free: int, spread: Spread) -> "ndarray":
    """The chance of a difference at least as far from 0 as `value` where there is none, (...).

    Args:
        documents: variance by documents with the noise of single answers, (...).
        free: its degrees of freedom.
    """
    import numpy as np
    from scipy.special import stdtr

    by_documents = np.maximum(documents, 1e-100)[..., None]
    total = by_documents + spread.variances
    freedom = free * (total / by_documents) ** 2
    return 2 * (spread.weights * stdtr(freedom, -abs(value)[..., None] / total**0.5)).sum(-1)


def _possible(table: Table) -> tuple["ndarray", "ndarray"]:
    """The chance of each spread of the table, (..., steps), and under it of each spread of an arm, (..., arms, steps of
    the table, steps of the arm).
    """
    import numpy as np

    free = np.maximum(table.seeds - 1, 0)[:, None]
    seen = table.explained[..., None] + _grid() ** 2
    likely = -free / 2 * (np.log(seen) + table.between[..., None] / seen)
    likely = np.exp(likely - likely.max(-1, keepdims=True))
    prior = np.where(free[..., None] > 0, _wider(), np.eye(_STEPS))
    both = prior * likely[..., None, :]
    each = np.maximum(both.sum(-1), 1e-300)
    together = np.log(each).sum(-2)
    of_table = np.exp(together - together.max(-1, keepdims=True))
    return of_table / of_table.sum(-1, keepdims=True), both / each[..., None]


@cache
def _grid() -> "ndarray":
    import numpy as np

    return np.geomspace(LEAST, MOST, _STEPS)


@cache
def _wider() -> "ndarray":
    """Chance of each spread of an arm, (steps of the table, steps of the arm), before its seeds are seen."""
    import numpy as np

    times = _grid() / _grid()[:, None]
    reach = (times > 1 - 1e-9) & (times < WIDEST * (1 + 1e-9))
    return np.eye(_STEPS) / 2 + reach / reach.sum(-1, keepdims=True) / 2
