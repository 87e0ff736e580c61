"""Documents and pages of each split, for people."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from mmprolong.images.documents import Document, Selected


def count_pages(
    documents: Iterable[Document], selected: Iterable[Selected]
) -> tuple[list[tuple[object, ...]], Counter[int]]:
    """Return split, documents, pages, their median and the most of one, a row for each split and for all.

    Also how many documents have so many pages.
    """
    counts = {"train": Counter[int](), "heldout": Counter[int](), "all": Counter(one.pages for one in documents)}
    for one in selected:
        counts[one.split][one.last_page - one.first_page + 1] += 1
    rows = [
        (name, of.total(), sum(length * n for length, n in of.items()), f"{_median(of):g}", max(of, default=0))
        for name, of in counts.items()
    ]
    return [*rows], counts["all"]


def _median(lengths: Counter[int]) -> float:
    """Return the median of values that occur so often."""
    half, ordered = lengths.total() / 2, sorted(lengths)
    ends = list(accumulate(lengths[value] for value in ordered))
    middle = ordered[bisect_left(ends, half) : bisect_left(ends, half + 0.5) + 1] or [0]
    return (middle[0] + middle[-1]) / 2
