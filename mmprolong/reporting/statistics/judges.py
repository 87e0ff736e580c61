"""Judges compared with each other and with people: agreement beyond chance, and scores corrected by human labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmprolong.errors import FeasibilityError
from mmprolong.evaluation.average import headline
from mmprolong.records import Cell, Score
from mmprolong.reporting.statistics.intervals import Estimate, estimate, mean, variance_by_clusters
from mmprolong.reporting.statistics.scores import arm_scores, questions_of

RIGHT = 0.5
"""From this mark on an answer counts as right, where marks are compared as right or wrong."""


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


def judged_mean(scores: Sequence[Score]) -> Estimate:
    """Return the mean of a judge's marks with its interval over documents; its own errors are not in it."""
    return mean(arm_scores([scores], questions_of(scores, headline({score.cell for score in scores}))))


def corrected_mean(scores: Sequence[Score], labels: Mapping[str, float]) -> Estimate:
    """Return the mean that people would have given: the judge's, corrected by its mean error on what they labelled.

    The interval has the judge's uncertainty over documents and that of the few labels; both rest on the same documents
    where these were labelled.

    Args:
        labels: human marks in [0, 1], by sample: drawn at random from all.

    Raises:
        FeasibilityError: fewer than two documents were labelled.

    Source: Angelopoulos et al., Science 382 (2023) 669-674 (prediction-powered inference, mean estimation).
    """
    import numpy as np

    average = headline({score.cell for score in scores})
    counted = [score for score in scores if score.cell in average]
    errors = [
        replace(score, value=labels[score.sample] - score.value, benchmark="", task="", length="")
        for score in counted
        if score.sample in labels
    ]
    labelled = {score.cluster for score in errors}
    if len(labelled) < 2:
        raise FeasibilityError(f"labels: {len(errors)} of them on fewer than two documents; label answers on more")
    every, few = questions_of(counted, average), questions_of(errors, {Cell("", "", ""): 1.0})
    judged, wrong = arm_scores([counted], every), arm_scores([errors], few)
    sources = [
        (variance_by_clusters(judged.influence, every), every.degrees_of_freedom),
        (variance_by_clusters(wrong.influence, few), few.degrees_of_freedom),
    ]
    both = np.isin(sorted({score.cluster for score in counted}), [*labelled])  # the order of the influences
    shared = 2 * float(judged.influence[both] @ wrong.influence)
    return estimate(float(judged.means[0] + wrong.means[0]), sources, float(every.weights.sum()), 0.0, shared)
