"""What a paper's own numbers can carry, given how many questions they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist, fmean

from mmprolong.reporting.claims.claim import BEST, HIGHER, LOWER, Claim, Difference, Printed, verdict
from mmprolong.reporting.statistics.interval import LEVEL
from mmprolong.reporting.tables.agreement import UNCLEAR
from mmprolong.reporting.tables.published import Published, numbers, require_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedVerdict:
    """A claim judged by the paper's own numbers."""

    verdict: str
    differences: tuple[Difference, ...]
    """As if the two sides had answered different questions, which no pairing can make worse."""
    correlation: float | None
    """Correlation of the two sides' answers from which on the difference would be clear; None: it is, or never."""


def judge_printed(claim: Claim, published: Published) -> PrintedVerdict:
    """The verdict that the printed numbers allow, whatever the pairing. Other training seeds are not covered.

    A score in [0, 1] with mean p varies by at most p(1 - p), so a cell's variance is at most p(1 - p)/questions; where
    the paper tells the spread of repeated evaluations, that is used. Several rows of one side answer the same
    questions, so averaging them is taken to remove nothing.

    Raises:
        ConfigError: the claim names a table, row or column that does not exist.
    """
    printed = claim.printed
    ones = _all(_rows(printed.table, printed.arm, published))
    others = _rows(printed.baseline_table or printed.table, printed.baseline, published)
    pairs = [(ones, other) for other in others] if claim.direction == BEST else [(ones, _all(others))]
    reach = NormalDist().inv_cdf(1 - LEVEL / 2 / len(pairs))
    measured = [_difference(printed, *pair) for pair in pairs]
    differences = [
        Difference(value=value, low=value - reach * spread, high=value + reach * spread) for value, spread in measured
    ]
    found = verdict(claim, differences)
    return PrintedVerdict(
        verdict=found,
        differences=tuple(differences),
        correlation=_correlation(claim, measured, reach) if found == UNCLEAR and not printed.noise else None,
    )


def _rows(table: str, where: Mapping[str, Sequence[str]], published: Published) -> list[list[dict[str, str]]]:
    """The rows of each choice of texts."""
    wanted = [dict(zip(where, texts, strict=True)) for texts in product(*where.values())] if where else []
    return [published.rows(table, one) for one in wanted]


def _all(groups: Sequence[Sequence[dict[str, str]]]) -> list[dict[str, str]]:
    return [row for group in groups for row in group]


def _difference(
    printed: Printed, ones: Sequence[Mapping[str, str]], others: Sequence[Mapping[str, str]]
) -> tuple[float, float]:
    """Mean difference and the standard error of an unpaired comparison [points]."""
    left, right = _means(printed, ones), _means(printed, others)
    value = fmean(left) - (fmean(right) if right else 0.0)
    if printed.noise:
        return value, printed.noise * 2**0.5
    sides = [left, right] if right else [left]
    variances = [_bound(mean) / n for side in sides for mean, n in zip(side, printed.questions, strict=True)]
    return value, 100 * sum(variances) ** 0.5 / len(printed.columns)


def _means(printed: Printed, rows: Sequence[Mapping[str, str]]) -> list[float]:
    """Of each column over the rows [%]."""
    if not rows:
        return []
    require_columns(printed.table, rows, printed.columns)
    return [numbers(printed.table, rows, column) / len(rows) for column in printed.columns]


def _bound(mean: float) -> float:
    """Largest variance of a score in [0, 1] with this mean [%]."""
    share = min(max(mean / 100, 0.0), 1.0)
    return share * (1 - share)


def _correlation(claim: Claim, measured: Sequence[tuple[float, float]], reach: float) -> float | None:
    """From which correlation on every difference would be clear in the claimed direction; None: from none."""
    sign = {HIGHER: 1, BEST: 1, LOWER: -1}.get(claim.direction, 0)
    if not sign or any(sign * value <= 0 for value, _ in measured):
        return None
    needed = [1 - (value / reach / spread) ** 2 for value, spread in measured if spread]
    return max(needed, default=0.0)
