"""How far a 95 % interval reaches to either side, where documents are many and seeds are few.

An interval must hold for its own row, whatever the other rows do. So how far seeds spread is taken from the seeds of
the one or two arms that it speaks of (an arm with a single run has no choice but to borrow): with three of them a
quantile of Student's t with 2 to 4 degrees of freedom (4.3 to 2.8), with documents alone one of about 2. What lies
between is Welch's problem, two sources of variance of which one is well known. His first-order answer lets the squared
quantile go from the one to the other with the squared share of the seeds in the variance (Biometrika 34 (1947) 28-35);
here the way is bent a little towards the seeds' end, which holds the truth in 93 to 97 of 100 with 3 seeds or more
from a normal law, whatever the shares (benchmarks/coverage.py).

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

    freedom = table.seeds - 1
    pooled = freedom / max(int(freedom.sum()), 1)
    asked = np.where((freedom > 0)[:, None], np.eye(len(freedom)), pooled)[:sides]
    used = (asked / table.seeds[:sides, None]).sum(0)
    seeds, answers = table.between * used, table.explained @ used
    total, most = np.maximum(seeds.sum(-1), 1e-100), max(int(freedom[used > 0].sum()), 1)
    few = _quantile(total**2 / np.maximum((seeds**2 / np.maximum(freedom, 1)).sum(-1), total**2 / most)) ** 2
    many = _quantile(free) ** 2
    lasting = documents - answers
    least = np.maximum(lasting, 0)
    squared = many * (lasting + total) + (few - many) * total**2 / (total + _BEND * least)
    return np.maximum(squared, many * (least + _LEFT * answers)) ** 0.5


def _quantile(freedom: "ndarray | int") -> "ndarray":
    from scipy.special import stdtrit

    return stdtrit(freedom, 1 - LEVEL / 2)
