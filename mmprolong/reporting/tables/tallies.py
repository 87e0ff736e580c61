"""A column of a paper's table as the statistics need it: its questions summed by document, its own weights."""

from collections.abc import Sequence
from dataclasses import replace

from mmprolong.records import Score
from mmprolong.reporting.sources.runs import Result
from mmprolong.reporting.statistics.outcomes import Outcomes, outcomes
from mmprolong.reporting.tables.measures import ANY, Measure


def tally(measure: Measure, results: Sequence[Result], planned: int) -> Outcomes | None:
    """The runs of one arm under the weights of `measure`; None where single questions are not kept or not asked.

    Args:
        planned: how many runs the arm is to have.
    """
    import numpy as np

    runs = [[score for score in result.scores if _weight(measure, score.task, score.length)] for result in results]
    if not runs or not all(runs) or any(measure.of(result) is None for result in results):
        return None
    lengths = sorted({score.length for score in runs[0]})
    weights = [_share(measure, task, length, runs[0]) for length, task in _cells(runs[0])]
    return replace(outcomes(runs, lengths, planned), weights=np.array(weights))


def _cells(scores: Sequence[Score]) -> list[tuple[str, str]]:
    """In the order of `Outcomes`."""
    return sorted({(score.length, score.task) for score in scores})


def _weight(measure: Measure, task: str, length: str) -> float:
    return measure.parts.get((task, length), measure.parts.get((task, ANY), 0.0))


def _share(measure: Measure, task: str, length: str, scores: Sequence[Score]) -> float:
    """A benchmark without lengths is the mean over those that were asked."""
    if (task, length) in measure.parts:
        return measure.parts[task, length]
    return measure.parts[task, ANY] / len({score.length for score in scores if score.task == task})
