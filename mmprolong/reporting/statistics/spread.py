"""How far a score moves from seed to seed, told from a few seeds of every arm of a table.

Two or three seeds say little, so arms that spread alike are taken together. An arm that spreads more than the others
(training on one task alone, say, where some seeds lose the answer format) is set apart and speaks for itself, at the
price of a wide interval: together with the others it would be called too certain, and they too uncertain.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import ndarray

APART = 0.05
"""Level of the F test that sets an arm apart. A higher one finds more of the arms that spread more, and costs power
where none does: of 100 differences found otherwise, among 12 comparisons with 3 seeds, .05 loses 12 and .1 loses 26."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The arms of one table that have seeds; all arrays (..., arms), leading axes are repetitions."""

    between: "ndarray"
    """Variance of the headline score over an arm's seeds; 0 for an arm of which one run is finished."""
    explained: "ndarray"
    """What of it single answers explain, which the documents carry already."""
    seeds: "ndarray"
    """Number of runs, (arms,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """Of a difference; the degrees of freedom are Satterthwaite's."""

    total: "ndarray"
    freedom: "ndarray"
    """For the interval. Where seeds differ no more than single answers explain, they are taken not to differ."""
    careful: "ndarray"
    """For p, as if it could not be known that they do not differ: a mark must not be luck of three seeds."""
    covers: str
    """`documents`, or `documents and seeds`."""


def documents_alone(documents: "ndarray", free: int) -> Variance:
    """Where no seed is drawn, or nothing is known of how far seeds spread."""
    import numpy as np

    freedom = np.full_like(documents, free, dtype=float)
    return Variance(total=documents, freedom=freedom, careful=freedom, covers="documents")


def with_seeds(documents: "ndarray", free: int, table: Table, sides: int) -> Variance:
    """The variance of a difference by documents and seeds.

    Args:
        documents: what the documents give, with the noise of single answers, (...).
        free: its degrees of freedom.
        sides: how many of the table's arms are in the difference; they come first.
    """
    import numpy as np

    own, held = table.seeds - 1, together(table.between, table.seeds - 1)
    pooled, freedom = _pooled(table.between, own, held)
    between = np.where(held, pooled[..., None], table.between)[..., :sides]
    held, own = held[..., :sides], own[:sides]
    share, explained = 1 / table.seeds[:sides], table.explained[..., :sides]
    seeds = np.maximum(0, ((between - explained) * share).sum(-1))

    def blur(part: "ndarray") -> "ndarray":
        alike = np.where(held, part * share, 0).sum(-1) ** 2 / freedom
        return alike + np.where(held, 0, (part * share) ** 2 / np.maximum(own, 1)).sum(-1)

    least = np.where(held, freedom[..., None], own).min(-1)
    total = documents + seeds
    known = np.maximum(0, documents - (explained * share).sum(-1))
    usual = _satterthwaite(total, documents**2 / free + blur(between), least)
    careful = _satterthwaite(total, known**2 / free + blur(np.maximum(between, explained)), least)
    return Variance(
        total=total,
        freedom=np.where(seeds > 0, usual, free),
        careful=np.minimum(careful, free),
        covers="documents and seeds",
    )


def together(between: "ndarray", own: "ndarray") -> "ndarray":
    """Which arms spread alike, bool (..., arms): the widest goes while an F test sets it apart from two or more others.

    Args:
        between: variances, (..., arms).
        own: their degrees of freedom, (arms,).
    """
    import numpy as np
    from scipy.special import fdtri

    held = np.ones(between.shape, bool)
    for _ in range(between.shape[-1] - 2):
        free = np.where(held, own, 0).sum(-1, keepdims=True) - own
        others = np.where(held, between * own, 0).sum(-1, keepdims=True) - between * own
        ratio = np.where(held, between * free / np.maximum(others, 1e-300), -1.0)
        widest = ratio.argmax(-1)[..., None]
        above = np.take_along_axis(ratio, widest, -1) > fdtri(own[widest], _at(free, widest), 1 - APART)
        leaves = above & (held.sum(-1, keepdims=True) > 2)
        if not leaves.any():
            break
        np.put_along_axis(held, widest, _at(held, widest) & ~leaves, -1)
    return held


def _pooled(between: "ndarray", own: "ndarray", held: "ndarray") -> tuple["ndarray", "ndarray"]:
    import numpy as np

    freedom = np.where(held, own, 0).sum(-1)
    return np.where(held, between * own, 0).sum(-1) / freedom, freedom


def _at(values: "ndarray", index: "ndarray") -> "ndarray":
    import numpy as np

    return np.take_along_axis(np.broadcast_to(values, (*index.shape[:-1], values.shape[-1])), index, -1)


def _satterthwaite(total: "ndarray", blur: "ndarray", least: "ndarray") -> "ndarray":
    import numpy as np

    return np.maximum(total**2 / np.maximum(blur, 1e-300), least)
