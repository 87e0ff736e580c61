import pytest

from mmprolong.reporting.statistics.contrasts import Compared
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.tables.published import Agreement


@pytest.mark.parametrize(
    ("published", "p", "expected"),
    [
        (-1.0, 0.01, "agrees"),
        (2.0, 0.01, "disagrees"),
        (-1.0, 0.06, "too small to tell"),
        (0.0, 0.01, "too small to tell"),
    ],
)
def test_a_direction_counts_only_where_our_difference_is_clear(published: float, p: float, expected: str):
    found = Estimate(value=-0.03, low=-0.05, high=-0.01, p=p, standard_error=0.01, degrees_of_freedom=20)
    agreement = Agreement.of("a", "base", "overall", published, Compared(difference=found, p=p))
    assert agreement and agreement.verdict == expected


def test_means_alone_point_nowhere_and_what_was_not_measured_is_left_out():
    bare = Agreement.of("a", "base", "overall", 5.0, Compared(difference=Estimate.bare(0.1), p=1.0))
    assert str(bare) == "a against base, overall: published +5.00, ours +10.0: no interval"
    assert Agreement.of("a", "base", "overall", 5.0, Compared(difference=None, p=1.0)) is None
