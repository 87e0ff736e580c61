import pytest

from mmprolong.reporting.statistics.arms import Arm
from mmprolong.reporting.statistics.contrasts import Compared
from mmprolong.reporting.statistics.estimates import Estimate
from mmprolong.reporting.tables.agreement import agreement, agreements


@pytest.mark.parametrize(
    ("published", "low", "high", "p", "expected"),
    [
        (-1.0, -5.0, -2.0, 0.01, "agrees"),
        (2.0, -5.0, -2.0, 0.01, "disagrees"),
        (2.0, -1.0, 4.0, 0.3, "too small to tell"),
        (-1.0, -5.0, -2.0, 0.06, "too small to tell"),
        (2.0, None, None, None, "no interval"),
    ],
)
def test_a_direction_counts_only_where_our_difference_is_clear(published, low, high, p, expected: str):
    found = None
    if p is not None:
        found = Estimate(value=-0.03, low=low / 100, high=high / 100, n=8, documents=4, covers="documents", p=p)
    compared = Compared(difference=found, p=p)
    assert agreement("a", "base", "overall", published, -3.0, compared).verdict == expected


def test_only_rows_that_were_published_and_measured_are_judged():
    arms = {
        label: Arm(label=label, finished=1, planned=1, accuracy={}, delta=delta)
        for label, delta in {"base": None, "a": 0.1, "b": None, "c": 0.2}.items()
    }
    found = agreements(arms, "base", {"base": 50.0, "a": 55.0, "b": 51.0})
    assert [str(one) for one in found] == ["a against base, overall: published +5.00, ours +10.0: no interval"]
