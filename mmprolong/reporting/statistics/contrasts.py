"""The rows of a table compared: planned comparisons, corrected by Holm, and uneven seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mmprolong.evaluation.average import headline
from mmprolong.records import Average
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.intervals import LEVEL, Estimate, corrected, difference, holm, mean
from mmprolong.reporting.statistics.scores import ArmScores, arm_scores, questions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The row and the lengths with which a row is compared."""

    row: str
    lengths: tuple[str, ...] = ()
    """Mean over these; empty: the headline mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A column of comparisons."""

    key: str
    title: str
    pairs: Mapping[str, Against]
    """By row; rows that are not in the plan are left out."""


def arms_of(runs: Runs, average: Average) -> dict[str, ArmScores]:
    """Return the scores of the rows whose finished runs were evaluated in all cells of an average."""
    finished = {label: runs.of(label) for label in runs.plan.labels}
    complete = {
        label: [result.scores for result in results]
        for label, results in finished.items()
        if average and results and all(average.keys() <= result.cells for result in results)
    }
    if not complete:
        return {}
    questions = questions_of(next(iter(complete.values()))[0], average)
    return {label: arm_scores(scores, questions) for label, scores in complete.items()}


def estimates(runs: Runs, average: Average) -> dict[str, Estimate]:
    """Return the mean of every row that was evaluated in all cells of an average."""
    return {label: mean(arm) for label, arm in arms_of(runs, average).items()}


def average_at_lengths(runs: Runs, lengths: Sequence[str]) -> Average:
    """Return the headline mean of the cells of these lengths; empty if one of them was not evaluated."""
    cells = [cell for cell in runs.cells if cell.length in lengths]
    return headline(cells, lengths) if {cell.length for cell in cells} == set(lengths) else {}


def estimates_by_length(runs: Runs) -> dict[str, dict[str, Estimate]]:
    """Return every row's mean at each length at which it was evaluated."""
    found = {length: estimates(runs, average_at_lengths(runs, [length])) for length in runs.lengths}
    return {label: {at: rows[label] for at, rows in found.items() if label in rows} for label in runs.plan.labels}


def compare(runs: Runs, contrasts: Sequence[Contrast], average: Average) -> dict[tuple[str, str], Estimate | None]:
    """Return the planned differences by column and row; None while one of the rows has no result.

    Holm's correction counts every one, so that a mark does not depend on what is still running.
    """
    arms = cache(lambda lengths: arms_of(runs, average_at_lengths(runs, lengths) if lengths else average))
    found: dict[tuple[str, str], Estimate | None] = {}
    for contrast in contrasts:
        for label, other in contrast.pairs.items():
            if {label, other.row} <= set(runs.plan.labels):
                one, against = (arms(other.lengths).get(row) for row in (label, other.row))
                found[contrast.key, label] = difference(one, against) if one and against else None
    return corrected(found)


def uneven_arms(arms: Mapping[str, ArmScores]) -> dict[str, tuple[float, float]]:
    """Return the rows whose seeds spread more than the others': their standard deviation and that of the others pooled.

    By an F test of an arm's variance against the others', after Holm's correction; arms without spread are left out.
    """
    from scipy.special import fdtrc

    spread = {label: arm.means for label, arm in arms.items() if arm.means.std() > 1e-6}
    deviations, p = {}, {}
    for label, means in spread.items() if len(spread) > 1 else ():
        others = [each for name, each in spread.items() if name != label]
        degrees = sum(len(each) - 1 for each in others)
        pooled = sum(each.var(ddof=1) * (len(each) - 1) for each in others) / degrees
        variance = means.var(ddof=1)
        deviations[label] = float(variance**0.5), float(pooled**0.5)
        p[label] = float(fdtrc(len(means) - 1, degrees, variance / pooled))
    return {label: deviations[label] for label, one in holm(p).items() if one < LEVEL}
