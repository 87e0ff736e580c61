"""Pack instances into sequences of one capacity: best fit, longest first."""

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np

from mmprolong.errors import FeasibilityError
from mmprolong.mixture.selection import Entry
from mmprolong.records import Pack


def pack(entries: Sequence[Entry], capacity: int, seed: int) -> list[Pack]:
    """Packs of at most `capacity` tokens, in random order; every entry is in exactly one.

    Raises:
        FeasibilityError: an instance is longer than a pack.
    """
    open_packs: list[tuple[int, int]] = []
    members: list[list[Entry]] = []
    for entry in sorted(entries, key=lambda entry: -entry.tokens):
        if entry.tokens > capacity:
            raise FeasibilityError(f"mixture.pack: {entry.id} has {entry.tokens} tokens, a pack holds {capacity}; raise it")
        fit = bisect_left(open_packs, (entry.tokens, -1))
        space, index = open_packs.pop(fit) if fit < len(open_packs) else (capacity, len(members))
        if index == len(members):
            members.append([])
        members[index].append(entry)
        insort(open_packs, (space - entry.tokens, index))
    order = np.random.default_rng([seed, len(members)]).permutation(len(members))
    return [_pack(number, members[index]) for number, index in enumerate(order)]


def _pack(number: int, entries: Sequence[Entry]) -> Pack:
    return Pack(
        id=number,
        instances=tuple(entry.id for entry in entries),
        lengths=tuple(entry.tokens for entry in entries),
    )
