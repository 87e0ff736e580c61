"""The rows of a table compared: planned comparisons, corrected by Holm, and ties with the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mmprolong.evaluation.average import headline, weighted_mean
from mmprolong.records import Average
from mmprolong.reporting.results.runs import Result, Runs
from mmprolong.reporting.statistics.intervals import LEVEL, Estimate, difference, holm, mean
from mmprolong.reporting.statistics.scores import ArmScores, arm_scores, questions_of

_Rows = tuple[dict[str, ArmScores], dict[str, float]]
"""Of one average: the rows whose single questions are kept, and the means of all."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A planned comparison of two rows."""

    difference: Estimate | None
    """None while one of them has no result."""
    p: float
    """After Holm's correction over the table."""

    @property
    def clear(self) -> bool:
        """The difference is told apart from 0."""
        return self.p < LEVEL


def arms_of(runs: Runs, average: Average) -> dict[str, ArmScores]:
    """Return the rows whose single questions are kept."""
    asked = {label: [one.scores for one in runs.of(label)] for label in means_of(runs, average)}
    kept = {label: scores for label, scores in asked.items() if all(scores)}
    if not kept:
        return {}
    questions = questions_of(next(iter(kept.values()))[0], average)
    return {label: arm_scores(scores, questions) for label, scores in kept.items()}


def means_of(runs: Runs, average: Average) -> dict[str, float]:
    """Return the mean over the finished runs of every row that was asked all cells."""
    found = {label: run_means(runs.of(label), average) for label in runs.plan.labels}
    return {label: fmean(values) for label, values in found.items() if values}


def estimates(runs: Runs, average: Average) -> dict[str, Estimate]:
    """Return the mean of every row that was asked, bare where the source keeps no single questions."""
    arms = arms_of(runs, average)
    bare = means_of(runs, average).items()
    return {label: mean(arms[label]) if label in arms else Estimate.bare(value) for label, value in bare}


def run_means(results: Sequence[Result], average: Average) -> list[float]:
    """Return the mean of each run; none if one of them was not asked a cell."""
    found = [weighted_mean(average, result.means) for result in results]
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else []


def at_lengths(runs: Runs, lengths: Sequence[str]) -> Average:
    """Return the headline mean of the cells of these lengths; empty if one of them was not asked."""
    cells = [cell for cell in runs.cells if cell.length in lengths]
    return headline(cells, lengths) if {cell.length for cell in cells} == set(lengths) else {}


def by_length(runs: Runs) -> dict[str, dict[str, Estimate]]:
    """Return every row's mean at each length that it was asked."""
    found = {length: estimates(runs, at_lengths(runs, [length])) for length in runs.lengths}
    return {label: {at: rows[label] for at, rows in found.items() if label in rows} for label in runs.plan.labels}


def compare(runs: Runs, contrasts: Sequence[Contrast], average: Average) -> dict[tuple[str, str], Compared]:
    """Return the planned comparisons by column and row.

    Holm's correction counts every one, so that a mark does not depend on what is still running.
    """
    found: dict[tuple[str, str], Estimate | None] = {}
    known: dict[tuple[str, ...], _Rows] = {}
    for contrast in contrasts:
        for label, other in contrast.pairs.items():
            if {label, other.row} <= set(runs.plan.labels):
                if other.lengths not in known:
                    weights = at_lengths(runs, other.lengths) if other.lengths else average
                    known[other.lengths] = arms_of(runs, weights), means_of(runs, weights)
                found[contrast.key, label] = _difference(known[other.lengths], label, other.row)
    adjusted = holm({at: 1.0 if one is None else one.p for at, one in found.items()})
    return {at: Compared(difference=one, p=adjusted[at]) for at, one in found.items()}


def near_best(arms: Mapping[str, ArmScores], planned: Mapping[tuple[str, str], Compared]) -> set[str]:
    """Return the rows over which the best one's lead is not clear.

    Args:
        planned: comparisons of the table by their two rows; where it compares the best row, it says so itself.
    """
    if not arms:
        return set()
    best = max(arms, key=lambda label: float(arms[label].means.mean()))
    leads = holm({label: difference(arms[best], arm).p for label, arm in arms.items() if label != best})
    said = {row if other == best else other: one.p for (row, other), one in planned.items() if best in (row, other)}
    return {label for label, p in leads.items() if said.get(label, p) >= LEVEL}


def _difference(rows: _Rows, label: str, other: str) -> Estimate | None:
    arms, means = rows
    if label not in means or other not in means:
        return None
    if label in arms and other in arms:
        return difference(arms[label], arms[other])
    return Estimate.bare(means[label] - means[other])
