from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from mmprolong.mixture.packing import fewest_packs, pack
from tests.mixture.test_mixture import entry


def optimum(lengths: list[int], capacity: int) -> int:
    """The fewest packs over all orders, each filled in turn."""

    def filled(order: tuple[int, ...]) -> int:
        packs, left = 1, capacity
        for length in order:
            if length > left:
                packs, left = packs + 1, capacity
            left -= length
        return packs

    return min(filled(order) for order in set(permutations(lengths)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10), min_size=1, max_size=6))
def test_no_packing_has_fewer_packs_than_the_bound(lengths: list[int]):
    assert -(-sum(lengths) // 10) <= fewest_packs(lengths, 10) <= optimum(lengths, 10)


def test_what_is_longer_than_half_a_pack_is_alone():
    assert fewest_packs([60, 60, 60], 100) == 3
    assert fewest_packs([70, 70, 40, 40], 100) == 3
    assert fewest_packs([], 100) == 0


def test_long_documents_with_short_ones_fill_packs_up_to_the_bound():
    entries = [entry(f"l{number}", "t", 600 + 7 * (number % 50)) for number in range(300)]
    entries += [entry(f"s{number}", "t", 5 + number % 60) for number in range(2000)]
    found = pack(entries, 1000, 0)
    fewest = fewest_packs([each.tokens for each in entries], 1000)
    assert fewest <= len(found) <= 1.02 * fewest
