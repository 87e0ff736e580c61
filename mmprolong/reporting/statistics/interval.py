"""How far a 95 % interval reaches to either side, where documents are many and seeds are few.

An interval must hold for its own row, whatever the other rows do. So how far seeds spread is taken from the seeds of
the one or two arms that it speaks of: with three of them a quantile of Student's t with 2 to 4 degrees of freedom (2.8
to 4.3), with documents alone one of about 2. What lies between is Welch's problem, two sources of variance of which
one is well known. His first-order answer lets the squared quantile go from the one to the other with the seeds' share
of the variance (Biometrika 34 (1947) 28-35); here the way is bent a little towards the seeds' end, which holds the
truth in 93 to 97 of 100 with 3 seeds or more, whatever the shares (benchmarks/coverage.py).

Seeds that agree by luck do not make the chance in single answers vanish: at least half of its deviation is left.
"""

from typing import TYPE_CHECKING

from mmprolong.reporting.statistics.spread import Table

if TYPE_CHECKING:
    from numpy import ndarray

LEVEL = 0.05
"""Of all tests; intervals are of confidence 1 - LEVEL."""
_BEND = 0.5
"""The documents' weight in the share of the variance that seeds are said to have; 1 is Welch's own."""
_LEFT = 0.25
"""Of the variance by single answers, what seeds that agree cannot make vanish."""


def of_documents(documents: "ndarray", free: int) -> "ndarray":
    """Half the width of an interval that speaks of documents alone, (...).

    Args:
        documents: variance by documents with the noise of single answers, (...).
        free: its degrees of freedom.
    """
    return _quantile(free) * documents**0.5


def of_documents_and_seeds(documents: "ndarray", free: int, table: Table, sides: int) -> "ndarray":
    """Half the width of an interval that speaks of new seeds, too, (...).

    An arm with a single run is taken to spread as the others of the table do on average.

    Args:
        documents: as above.
        free: as above.
        table: the arms with seeds; the interval speaks of the first `sides` of them, one or two.
    """
    import numpy as np

    own, every = table.seeds > 1, max(int((table.seeds - 1).sum()), 1)

    def variances(each: "ndarray") -> "ndarray":
        return (np.where(own, each, (each @ (table.seeds - 1))[..., None] / every) / table.seeds)[..., :sides]

    seeds, answers = variances(table.between), variances(table.explained).sum(-1)
    freedom = np.where(own, table.seeds - 1, every)[:sides]
    total = np.maximum(seeds.sum(-1), 1e-100)
    lasting = documents - answers
    least = np.maximum(lasting, 0)
    few = _quantile(total**2 / np.maximum((seeds**2 / freedom).sum(-1), total**2 / freedom.sum())) ** 2
    many = _quantile(free) ** 2
    squared = many * (lasting + total) + (few - many) * total**2 / (total + _BEND * least)
    return np.maximum(squared, many * (least + _LEFT * answers)) ** 0.5


def _quantile(freedom: "ndarray | int") -> "ndarray":
    from scipy.special import stdtrit

    return stdtrit(freedom, 1 - LEVEL / 2)
