"""Pack examples into sequences of one capacity: best fit within windows of the shuffled order.

Packing the longest first over everything would fill packs best but put like with like: an update would see one length,
so one task. Within windows of a few packs both hold: packs are full and each is a sample of the mixture.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from operator import attrgetter

import numpy as np

from mmprolong.errors import FeasibilityError
from mmprolong.records import Measured, Pack

WINDOW, WINDOWS = 16, 64
"""Fewest packs' worth of tokens that are packed together, and the windows that a large mixture is packed in; the
emptiest pack of a window goes into the next."""

_TOKENS = attrgetter("tokens")


def pack(entries: Sequence[Measured], capacity: int, seed: int) -> list[Pack]:
    """Return packs of at most `capacity` tokens, in random order; every entry is in exactly one.

    Raises:
        FeasibilityError: an example is longer than a pack.
    """
    rng = np.random.default_rng([seed, len(entries)])
    shuffled = [entries[index] for index in rng.permutation(len(entries)).tolist()]
    packs: list[list[Measured]] = []
    waiting: list[Measured] = []
    window_tokens = max(capacity * WINDOW, sum(map(_TOKENS, entries)) // WINDOWS)
    for window in _windows(shuffled, window_tokens):
        *filled, waiting = _best_fit([*waiting, *window], capacity) or [[]]
        packs += filled
    packs += _best_fit(waiting, capacity)
    return [_pack(number, packs[index]) for number, index in enumerate(rng.permutation(len(packs)))]


def fewest_packs(lengths: Sequence[int], capacity: int) -> int:
    """Return a number of packs below which no packing gets: the lower bound L2.

    For every threshold, what is longer than the rest of a pack beside it stands alone, and what is longer than half a
    pack is in a pack of its own; what is left over of the rest needs more packs.

    Source: S. Martello, P. Toth, Knapsack Problems (1990), section 8.3.2.
    """
    sizes = np.sort(np.asarray(lengths, np.int64))
    if not len(sizes):
        return 0
    sums = np.concatenate([[0], np.cumsum(sizes)])
    thresholds = np.unique(np.concatenate([[0], sizes[sizes <= capacity // 2]]))
    half = np.searchsorted(sizes, capacity // 2, "right")
    alone = np.searchsorted(
        sizes, capacity - thresholds, "right"
    )  # from here on nothing above the threshold fits beside
    small = np.searchsorted(sizes, thresholds, "left")
    beside = (alone - half) * capacity - (sums[alone] - sums[half])
    more = -(-(sums[half] - sums[small] - beside) // capacity)
    return int(np.max(len(sizes) - half + np.maximum(more, 0)))


def _windows(entries: Sequence[Measured], tokens: int) -> Iterator[list[Measured]]:
    window: list[Measured] = []
    missing = tokens
    for entry in entries:
        window.append(entry)
        missing -= entry.tokens
        if missing <= 0:
            yield window
            window, missing = [], tokens
    yield window


def _best_fit(entries: Sequence[Measured], capacity: int) -> list[list[Measured]]:
    """Put the longest first, each into the fullest pack that still takes it. Returns the packs, the fullest first."""
    spaces: list[tuple[int, int]] = []
    full: list[tuple[int, int]] = []
    members: list[list[Measured]] = []
    ordered = sorted(entries, key=_TOKENS, reverse=True)
    for entry in ordered:
        if entry.tokens > capacity:
            raise FeasibilityError(
                f"mixture.sequence_length: {entry.example} has {entry.tokens} tokens, a pack holds {capacity}; raise it"
            )
        fit = bisect_left(spaces, (entry.tokens, -1))
        space, index = spaces.pop(fit) if fit < len(spaces) else (capacity, len(members))
        if index == len(members):
            members.append([])
        members[index].append(entry)
        left = space - entry.tokens, index
        if left[0] < ordered[-1].tokens:  # takes nothing more
            full.append(left)
        else:
            insort(spaces, left)
    return [members[index] for _, index in sorted([*full, *spaces])]


def _pack(number: int, entries: Sequence[Measured]) -> Pack:
    return Pack(
        id=number,
        examples=tuple([entry.example for entry in entries]),
        lengths=tuple([entry.tokens for entry in entries]),
        supervised=tuple([entry.supervised for entry in entries]),
    )
