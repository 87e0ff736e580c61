"""The rows of a table compared: each with the row that it is meant to be compared with, with the best, with others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.records import Score
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.estimates import Estimate, apart, difference, holm, mean
from mmprolong.reporting.statistics.interval import LEVEL
from mmprolong.reporting.statistics.outcomes import Outcomes, outcomes
from mmprolong.reporting.statistics.spread import APART


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the questions of a row say; nothing is known of a row whose single questions are not kept."""

    mean: Estimate | None = None
    """The headline score with its interval."""
    difference: Estimate | None = None
    p: float | None = None
    """Of the difference, after Holm's correction over the table."""
    near_best: bool = False
    """Whether the best row's lead over this one is not clear."""
    apart: bool = False
    """Whether its seeds spread more than those of the other rows, which then say nothing of its differences."""

    @property
    def clear(self) -> bool:
        """Whether the difference stays clear of 0 after Holm's correction."""
        return self.difference is not None and self.p is not None and is_clear(self.difference, self.p)


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


def spread_notes(rows: Mapping[str, Compared]) -> list[str]:
    """Which rows' seeds cannot be taken together with the others'."""
    alone = [label for label, compared in rows.items() if compared.apart]
    if not alone:
        return []
    what = f"The seeds of {', '.join(alone)} spread more than the others' (chance {100 * APART:.0f} % or more)"
    return [f"{what}: p, too, rests on their own few seeds alone; run more."]


def is_clear(found: Estimate, p: float) -> bool:
    """Whether a difference is told apart from 0: by its own interval, and by p after Holm's correction."""
    return found.clear and p < LEVEL


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
    alone = apart(rows)
    near = _near_best(rows, against, found, adjusted, others)
    return {
        label: Compared(
            mean=mean(arm, pool=pool),
            difference=found.get(label),
            p=adjusted[label] if label in found else None,
            near_best=label in near,
            apart=label in alone,
        )
        for label, arm in rows.items()
    }


def _near_best(
    rows: Mapping[str, Outcomes],
    against: Mapping[str, str],
    planned: Mapping[str, Estimate],
    adjusted: Mapping[str | int, float],
    others: Sequence[float],
) -> set[str]:
    """Rows over which the best one's lead is not clear: as the table says it where it compares the two, else corrected
    over the best row's comparisons with all others.
    """
    if not rows:
        return set()
    best = max(rows, key=lambda label: float(rows[label].overall.mean()))
    pool = list(rows.values())
    leads = {label: difference(rows[best], rows[label], pool=pool) for label in rows if label != best}
    p: dict[str | int, float] = holm({**{label: lead.p for label, lead in leads.items()}, **dict(enumerate(others))})
    for one, other in against.items():
        if best in (one, other) and one in planned:
            row = other if one == best else one
            leads[row], p[row] = planned[one], adjusted[one]
    return {label for label, lead in leads.items() if not is_clear(lead, p[label])}


def _difference(runs: Runs, label: str, against: Against) -> Estimate | None:
    """None unless both rows have runs with single questions at these lengths."""
    lengths = against.lengths or runs.overall
    known = {
        name: outcomes(scores, lengths, runs.planned(name))
        for name in runs.plan.labels
        if (scores := _scores(runs, name, lengths))
    }
    if label not in known or against.row not in known:
        return None
    return difference(known[label], known[against.row], pool=list(known.values()))


def _scores(runs: Runs, label: str, lengths: Sequence[str]) -> list[tuple[Score, ...]]:
    scores = [result.scores for result in runs.of(label)]
    return scores if all(scores) and set(lengths) <= set(runs.lengths) else []
