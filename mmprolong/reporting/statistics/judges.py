"""Judges compared with each other and with people: agreement beyond chance, and scores corrected by human labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mmprolong.errors import FeasibilityError
from mmprolong.records import Average, Cell, Score
from mmprolong.reporting.statistics.intervals import Estimate, estimate, mean, variance_by_clusters
from mmprolong.reporting.statistics.scores import ArmScores, arm_scores, questions_of

if TYPE_CHECKING:
    from numpy import ndarray

RIGHT = 0.5
"""From this mark on an answer counts as right, where marks are compared as right or wrong."""
_LABELS = Cell("", "labels", "")


def kappa(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return the agreement of two judges on right and wrong beyond chance; None where chance explains all of it.

    Source: Cohen, Educational and Psychological Measurement 20 (1960) 37-46.
    """
    pairs = [(first >= RIGHT, second >= RIGHT) for first, second in zip(one, other, strict=True)]
    if not pairs:
        return None
    alike = sum(first == second for first, second in pairs) / len(pairs)
    shares = [sum(each) / len(pairs) for each in zip(*pairs, strict=True)]
    chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    return (alike - chance) / (1 - chance) if chance < 1 else None


def judged_mean(scores: Sequence[Score], average: Average) -> Estimate:
    """Return the mean of a judge's marks with its interval over documents; its own errors are not in it."""
    return mean(arm_scores([scores], questions_of(scores, average)))


def corrected_mean(scores: Sequence[Score], average: Average, labels: Mapping[str, float]) -> Estimate:
    """Return the mean that people would have given: the judge's, corrected by its mean error on what they labelled.

    The interval has the judge's uncertainty over documents and that of the few labels; both rest on the same documents
    where these were labelled.

    Args:
        labels: human marks in [0, 1], by sample: drawn at random from all.

    Raises:
        FeasibilityError: fewer than two documents were labelled.

    Source: Angelopoulos et al., Science 382 (2023) 669-674 (prediction-powered inference, mean estimation).
    """
    errors = [
        replace(score, benchmark=_LABELS.benchmark, task=_LABELS.task, length=_LABELS.length)
        for score in scores
        if score.sample in labels and score.cell in average
    ]
    if len({score.cluster for score in errors}) < 2:
        raise FeasibilityError(f"labels: {len(errors)} of them on fewer than two documents; label answers on more")
    every, few = questions_of(scores, average), questions_of(errors, {_LABELS: 1.0})
    judged = arm_scores([scores], every)
    wrong = arm_scores([[replace(one, value=labels[one.sample] - one.value) for one in errors]], few)
    sources = [
        (variance_by_clusters(judged.influence, every), every.degrees_of_freedom),
        (variance_by_clusters(wrong.influence, few), few.degrees_of_freedom),
    ]
    names = sorted({score.cluster for score in scores if score.cell in average})
    shared = 2 * float((judged.influence * _at_places_of_all(wrong, errors, names)).sum())
    return estimate(float(judged.means[0] + wrong.means[0]), sources, float(every.weights.sum()), 0.0, shared)


def _at_places_of_all(wrong: ArmScores, labelled: Sequence[Score], names: Sequence[str]) -> "ndarray":
    """Return the influence of each labelled cluster at its place among all, which are sorted by name; 0 elsewhere."""
    import numpy as np

    places = {name: place for place, name in enumerate(names)}
    found = np.zeros(len(names))
    found[[places[name] for name in sorted({score.cluster for score in labelled})]] = wrong.influence
    return found
