"""The rows of a table compared: each with the row that it is meant to be compared with, with the best, with others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.records import Score
from mmprolong.reporting.runs import Runs
from mmprolong.reporting.statistics import LEVEL, Estimate, Outcomes, difference, holm, mean, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the questions of a row say; nothing is known of a row whose single questions are not kept."""

    mean: Estimate | None = None
    """The headline score with its interval."""
    difference: Estimate | None = None
    p: float | None = None
    """Of the difference, after Holm's correction over the table."""
    near_best: bool = False
    """Whether the best row's lead over this one has an interval that includes 0."""

    @property
    def clear(self) -> bool:
        """Whether the difference stays clear of 0 after Holm's correction."""
        return self.difference is not None and self.p is not None and self.difference.clear and self.p < 1 - LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a row is compared with."""

    row: str
    lengths: tuple[str, ...] = ()
    """Mean over these; empty: the lengths of the headline score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A column that compares rows with others than the baseline."""

    key: str
    title: str
    pairs: Mapping[str, Against]
    """By row; rows that are not in the plan are left out."""


def estimated(runs: Runs, contrasts: Sequence[Contrast]) -> dict[tuple[str, str], Estimate | None]:
    """The planned comparisons of further columns, by column and row; None where runs are missing."""
    labels = set(runs.plan.labels)
    return {
        (contrast.key, label): _difference(runs, label, other)
        for contrast in contrasts
        for label, other in contrast.pairs.items()
        if {label, other.row} <= labels
    }


def compare(
    rows: Mapping[str, Outcomes], against: Mapping[str, str], others: Sequence[float] = ()
) -> dict[str, Compared]:
    """Means, differences and ties of the rows that have results.

    Holm's correction counts every planned comparison, so that a mark does not depend on what is still running.

    Args:
        against: row -> the row that it is compared with, for all planned rows.
        others: p of the comparisons in other columns of the table.
    """
    pool = list(rows.values())
    found = {
        label: difference(rows[label], rows[other], pool=pool)
        for label, other in against.items()
        if label in rows and other in rows
    }
    own = {label: found[label].p if label in found else 1.0 for label in against}
    adjusted = holm({**own, **dict(enumerate(others))})
    near = _near_best(rows)
    return {
        label: Compared(
            mean=mean(arm),
            difference=found.get(label),
            p=adjusted[label] if label in found else None,
            near_best=label in near,
        )
        for label, arm in rows.items()
    }


def _near_best(rows: Mapping[str, Outcomes]) -> set[str]:
    if not rows:
        return set()
    best = max(rows, key=lambda label: float(rows[label].overall.mean()))
    pool = list(rows.values())
    return {label for label in rows if label != best and not difference(rows[best], rows[label], pool=pool).clear}


def _difference(runs: Runs, label: str, against: Against) -> Estimate | None:
    """None unless both rows have runs with single questions at these lengths."""
    lengths = against.lengths or runs.overall
    known = {name: outcomes(scores, lengths) for name in runs.plan.labels if (scores := _scores(runs, name, lengths))}
    if label not in known or against.row not in known:
        return None
    return difference(known[label], known[against.row], pool=list(known.values()))


def _scores(runs: Runs, label: str, lengths: Sequence[str]) -> list[tuple[Score, ...]]:
    scores = [result.scores for result in runs.of(label)]
    return scores if all(scores) and set(lengths) <= set(runs.lengths) else []
