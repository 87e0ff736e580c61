"""The rows of a table compared: each with the row that it is meant to be compared with, and with the best."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmprolong.reporting.statistics import LEVEL, Estimate, Outcomes, difference, holm, mean


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


def compare(rows: Mapping[str, Outcomes], against: Mapping[str, str]) -> dict[str, Compared]:
    """Means, differences and ties of the rows that have results.

    Holm's correction counts every planned comparison, so that a mark does not depend on what is still running.

    Args:
        against: row -> the row that it is compared with, for all planned rows.
    """
    pool = list(rows.values())
    found = {
        label: difference(rows[label], rows[other], pool=pool)
        for label, other in against.items()
        if label in rows and other in rows
    }
    adjusted = holm({label: found[label].p if label in found else 1.0 for label in against})
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
