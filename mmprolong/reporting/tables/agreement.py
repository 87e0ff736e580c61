"""Whether our differences point the way that the paper's do."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmprolong.reporting.statistics.arms import Arm
from mmprolong.reporting.statistics.contrasts import Compared
from mmprolong.reporting.tables.digits import signed

AGREES, DISAGREES, UNCLEAR, UNKNOWN = "agrees", "disagrees", "too small to tell", "no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One pair of rows whose difference the paper prints and we measured."""

    measure: str
    """What differs: `overall`, or a length."""
    arm: str
    baseline: str
    published: float
    """Points [%]."""
    ours: float
    low: float | None
    """Lower end of our 95 % interval [%]."""
    high: float | None
    verdict: str

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{signed(self.low)}, {signed(self.high)}]"
        pair = f"{self.arm} against {self.baseline}, {self.measure}"
        return f"{pair}: published {signed(self.published, 2)}, ours {signed(self.ours)}{interval}: {self.verdict}"


def agreements(
    arms: Mapping[str, Arm], baseline: str, published: Mapping[str, float], measure: str = "overall"
) -> tuple[Agreement, ...]:
    """One verdict for each arm whose difference to the baseline is both published and measured.

    Args:
        published: the paper's score of each row [%].
    """
    if baseline not in published:
        return ()
    return tuple(
        agreement(label, baseline, measure, published[label] - published[baseline], 100 * arm.delta, arm.compared)
        for label, arm in arms.items()
        if label != baseline and label in published and arm.delta is not None
    )


def agreement(arm: str, baseline: str, measure: str, published: float, ours: float, compared: Compared) -> Agreement:
    """A verdict in sign, if our difference is clear.

    Args:
        published, ours: difference of the two [points].
    """
    found = compared.difference
    low, high = (100 * found.low, 100 * found.high) if found else (None, None)
    return Agreement(
        measure=measure,
        arm=arm,
        baseline=baseline,
        published=published,
        ours=ours,
        low=low,
        high=high,
        verdict=_verdict(published, ours, compared),
    )


def _verdict(published: float, ours: float, compared: Compared) -> str:
    if compared.difference is None:
        return UNKNOWN
    if not compared.clear or published == 0:
        return UNCLEAR
    return AGREES if (ours > 0) == (published > 0) else DISAGREES
