"""The edit distance by whole numbers is that by the table of Levenshtein."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from mmprolong.evaluation.scorers._edit_distance import anls, distance


@given(st.text("abß日", max_size=9), st.text("abcß日", max_size=9))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_it_is_the_fewest_edits(one: str, other: str):
    @cache
    def fewest(ends: int, other_ends: int) -> int:
        if not ends or not other_ends:
            return ends + other_ends
        same = fewest(ends - 1, other_ends - 1) + (one[ends - 1] != other[other_ends - 1])
        return min(same, fewest(ends - 1, other_ends) + 1, fewest(ends, other_ends - 1) + 1)

    assert distance(one, other) == fewest(len(one), len(other))


def test_long_replies_are_compared_in_one_go():
    assert distance("ab" * 50_000, "a") == 99_999
    assert anls("", "") == 1 and anls("a", "") == 0 and anls("abcd", "abce") == 0.75
