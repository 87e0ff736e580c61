import pytest

from mmprolong.reporting.agreement import agreements, verdict
from mmprolong.reporting.arms import Arm


@pytest.mark.parametrize(
    ("published", "low", "high", "expected"),
    [
        (-1.0, -5.0, -2.0, "agrees"),
        (2.0, -5.0, -2.0, "disagrees"),
        (2.0, -1.0, 4.0, "too small to tell"),
        (2.0, None, None, "no interval"),
    ],
)
def test_a_direction_counts_only_where_our_interval_excludes_nothing(published, low, high, expected: str):
    assert verdict(published, low, high) == expected


def test_only_rows_that_were_published_and_measured_are_judged():
    arms = {
        label: Arm(label=label, finished=1, planned=1, accuracy={}, delta=delta)
        for label, delta in {"base": None, "a": 0.1, "b": None, "c": 0.2}.items()
    }
    found = agreements(arms, "base", {"base": 50.0, "a": 55.0, "b": 51.0})
    assert [str(one) for one in found] == ["a against base, overall: published +5.00, ours +10.0: no interval"]
