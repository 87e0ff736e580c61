"""What a sweep can see: the smallest true difference that its own test finds in four of five repetitions.

The prediction draws what the test computes from the data (spread by documents, spread by seeds) from their known
distributions, and asks of each draw how often a difference would be clear by the rules of `estimates.difference`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mmprolong.reporting.statistics.components import Components, Sample
from mmprolong.reporting.statistics.interval import LEVEL, of_documents, of_documents_and_seeds
from mmprolong.reporting.statistics.spread import Spread, Table, by_seeds, no_spread, two_sided

if TYPE_CHECKING:
    from numpy import ndarray

POWER = 0.8
DRAWS = 1_000
_BINS = 32
_HALVINGS = 8
"""Of the possible thresholds: to a hundredth or two of their size."""


@dataclass(frozen=True)
class _Draws:
    """What the test sees, one value a repetition."""

    documents: "ndarray"
    """Estimated variance by documents."""
    spread: Spread
    """What the seeds may add, by those of all arms."""
    half: "ndarray"
    """Half the width of the interval, by the seeds of the two arms."""


@dataclass(frozen=True)
class Design:
    """How a comparison is measured."""

    components: Components
    seeds: int
    """Runs of each trained arm."""
    documents: int
    questions: float
    """On each document."""
    constraints: int = 1
    """Degrees of freedom that the cells' means take from the documents."""
    sides: int = 2
    """Arms of the comparison that have seeds."""
    arms: int = 2
    """Arms of the table that have seeds; they are taken to spread alike, which the test has to find out."""

    @property
    def lasting(self) -> float:
        """Variance of a difference that more seeds would leave."""
        found = self.components
        return (found.document + found.question / self.questions) / self.documents

    @property
    def noise(self) -> float:
        """Variance of one run by chance answers."""
        found = self.components
        return (found.document_noise + found.question_noise / self.questions) / self.documents

    @property
    def variance(self) -> float:
        """Of the difference."""
        return self.lasting + self.sides / self.seeds * (self.noise + self.components.seed)

    @property
    def free(self) -> int:
        """Degrees of freedom of the variance by documents."""
        return max(self.documents - self.constraints, 1)

    @cached_property
    def draws(self) -> "_Draws":
        """Many repetitions of the measurement."""
        import numpy as np

        free, more, arms = self.free, self.seeds - 1, max(self.arms, self.sides)
        by_documents = self.lasting + self.sides / self.seeds * self.noise
        if self.seeds == 1:
            documents = by_documents * _estimates([free])[:, 0]
            return _Draws(documents, no_spread(), of_documents(documents, free))
        found = _estimates([free] + [more] * arms + [free * more] * arms)
        documents = by_documents * found[:, 0]
        between = (self.noise + self.components.seed) * found[:, 1 : 1 + arms]
        explained = self.noise * found[:, 1 + arms :]
        table = Table(between=between, explained=explained, seeds=np.full(arms, self.seeds))
        half = of_documents_and_seeds(documents, free, table, self.sides)
        return _Draws(documents, _coarse(by_seeds(table, self.sides)), half)


def _estimates(freedom: Sequence[int]) -> "ndarray":
    """Estimates of a variance of 1 with these degrees of freedom, (DRAWS, columns).

    Each column holds every 1/DRAWS of its law once, in an order of its own (a Latin hypercube), which takes most of the
    chance out of a mean over the draws: McKay, Beckman and Conover, Technometrics 21 (1979) 239-245.
    """
    import numpy as np
    from scipy.special import chdtri

    generator = np.random.default_rng(0)
    tails = (generator.permuted(np.tile(np.arange(DRAWS), (len(freedom), 1)), axis=1).T + 0.5) / DRAWS
    return chdtri(freedom, tails) / freedom


def _coarse(spread: Spread) -> Spread:
    """With fewer possibilities: near variances become their geometric mean."""
    import numpy as np

    edges = np.geomspace(spread.variances.min(), spread.variances.max() * (1 + 1e-9), _BINS + 1)
    near = np.digitize(spread.variances, edges) - 1
    weights = spread.weights @ np.eye(_BINS)[near]
    return Spread(variances=(edges[1:] * edges[:-1]) ** 0.5, weights=weights)


def power(design: Design, effect: float, level: float = LEVEL) -> float:
    """Chance that the test finds a true difference of `effect` (scores in [0, 1])."""
    return _found(design, effect, _threshold(design, level))


def smallest(design: Design, level: float = LEVEL) -> float:
    """The smallest true difference that is found with a chance of 80 % (scores in [0, 1]); 1 if none is."""
    threshold = _threshold(design, level)
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _found(design, middle, threshold) >= POWER else (middle, high)
    return high


def design_of(sample: Sample) -> Design:
    """The design of a finished sweep."""
    return Design(
        components=sample.components,
        seeds=sample.seeds,
        documents=sample.documents,
        questions=sample.questions,
        constraints=sample.constraints,
        sides=sample.sides,
        arms=sample.arms,
    )


def cheaper(
    design: Design, goal: float, cost_of_seed: float, cost_of_question: float, level: float = LEVEL
) -> "dict[str, Design | None]":
    """The cheapest design that sees `goal`, by what may grow; None where that alone cannot do it.

    Args:
        cost_of_seed: of one more run of every arm without its evaluation, in any unit.
        cost_of_question: of one more question answered by one run of every arm, in the same unit.
    """
    steps = [1.0, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64]
    seeds = [count for count in (*range(1, 17), 20, 24, 32, 48, 64) if count > design.seeds]
    documents = [round(design.documents * step) for step in steps]
    questions = [design.questions * step for step in (1, 2, 3, 4, 6, 8)]

    def cost(one: Design) -> float:
        return one.seeds * (cost_of_seed + cost_of_question * one.documents * one.questions)

    routes: dict[str, tuple[Sequence[int], Sequence[int], Sequence[float]]] = {
        "seeds": ([design.seeds, *seeds], documents[:1], questions[:1]),
        "documents": ([design.seeds], documents, questions[:1]),
        "questions": ([design.seeds], documents[:1], questions),
        "all": ([design.seeds, *seeds], documents, questions),
    }
    return {name: _first(design, axes, goal, cost, level) for name, axes in routes.items()}


def _first(
    design: Design,
    axes: tuple[Sequence[int], Sequence[int], Sequence[float]],
    goal: float,
    cost: Callable[[Design], float],
    level: float,
) -> "Design | None":
    """In the order of cost, the first design whose smallest effect is at most `goal`."""
    from statistics import NormalDist

    normal = NormalDist()
    least = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(POWER)
    grid = [replace(design, seeds=s, documents=d, questions=q) for s in axes[0] for d in axes[1] for q in axes[2]]
    hopeful = (one for one in sorted(grid, key=cost) if one.variance**0.5 * least <= 1.02 * goal)
    return next((one for one in hopeful if smallest(one, level) <= goal), None)


def _threshold(design: Design, level: float) -> "ndarray":
    """How large a difference must be in each repetition: by its interval, by what all seeds spread, and by the
    permutation of documents.

    A permutation's spread holds the difference itself, a document's part of it squared.
    """
    import numpy as np
    from scipy.special import ndtri

    drawn, normal = design.draws, float(ndtri(1 - level / 2))
    low = np.clip(normal * (drawn.documents + drawn.spread.variances.min()) ** 0.5, 1e-4, 1)
    high = np.ones(DRAWS)
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        found = two_sided(middle, drawn.documents, design.free, drawn.spread) < level
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    left = 1 - normal**2 / design.documents
    found = np.maximum((low * high) ** 0.5, drawn.half)
    return np.maximum(found, normal * (drawn.documents / left) ** 0.5) if left > 0 else found + np.inf


def _found(design: Design, effect: float, threshold: "ndarray") -> float:
    """Share of repetitions whose threshold is passed by a difference around `effect`, on either side of 0."""
    from scipy.special import ndtr

    sd = max(design.variance, 1e-24) ** 0.5
    return float((ndtr((effect - threshold) / sd) + ndtr((-effect - threshold) / sd)).mean())
