"""Marks as the harness of a published column counts them, where they are more than the mean over questions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from mmprolong.records import Cell, Score

Restated = Callable[[Sequence[Score]], tuple[Score, ...]]


def circular(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return one score for all rotations of a question: the worst.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/multiple_choice.py
    (mcq_circular_eval).
    """
    worst: dict[str, Score] = {}
    for score in scores:
        group = str(score.facts["group"])
        if group not in worst or score.value < worst[group].value:
            worst[group] = replace(score, sample=group, cluster=group)
    return tuple(worst.values())


def of_answered(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return scores whose cell means are those over the replies that name an answer.

    The ratio is linearised: a reply without an answer has the mean, the others' distance from it grows as the
    denominator shrinks. So intervals are those of the ratio, and all runs keep the same questions.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/utils/videomme.py
    (get_dimension_rating).
    """
    cells: dict[Cell, list[Score]] = {}
    for score in scores:
        cells.setdefault(score.cell, []).append(score)
    return tuple(one for found in cells.values() for one in _linearised(found))


OFFICIAL: dict[str, tuple[str, Restated]] = {
    "mmbench": ("right in all rotations", circular),
    "video_mme": ("of replies that name an option", of_answered),
    "longvideobench": ("of replies that name an option", of_answered),
}
"""By plug-in: what counts, and the scores that say so."""


def _linearised(scores: Sequence[Score]) -> list[Score]:
    values = [score.value for score in scores if score.parsed]
    mean, factor = fmean(values or [0.0]), len(scores) / max(len(values), 1)
    return [replace(one, value=mean + factor * (one.value - mean) * bool(one.parsed)) for one in scores]
