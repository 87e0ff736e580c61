"""Arms whose truth is known: answers drawn with set effects of arm, document and seed."""

from dataclasses import replace

import numpy as np

from mmprolong.records import Sample, Score
from mmprolong.reporting.statistics.outcomes import Outcomes
from tests.stores import judged


def arm(generator: np.random.Generator, effect: float, seeds: int, shared: np.ndarray, spread: float = 0.0) -> Outcomes:
    """Four questions on each document, documents over two lengths; right with chance 0.5 + effect + document + seed."""
    luck = generator.normal(0, 1, seeds) * spread
    chance = np.clip(0.5 + effect + shared + luck[:, None], 0, 1)
    counts = np.zeros((len(shared), 2))
    counts[np.arange(len(shared)), np.arange(len(shared)) % 2] = 4
    sums = generator.binomial(4, chance)[:, :, None] * (counts > 0)
    names = tuple(map(str, range(len(shared))))
    return Outcomes(sums=sums.astype(float), counts=counts, weights=np.full(2, 0.5), documents=names)


def table(trial: int, spreads: list[float], seeds: int = 3, first: int = 3) -> list[Outcomes]:
    """Arms without a difference whose seeds spread as said; `first` runs of the first arm are finished."""
    generator = np.random.default_rng(trial)
    shared = generator.uniform(-0.2, 0.2, 100)
    arms = [replace(arm(generator, 0.0, seeds, shared, spread), drawn=True) for spread in spreads]
    return [replace(arms[0], sums=arms[0].sums[:first]), *arms[1:]]


def score(document: str, task: str, length: str, right: bool) -> Score:
    return judged(Sample(id=document, document=document, task=task, length=length, depth=0.0, target="7"), right)
