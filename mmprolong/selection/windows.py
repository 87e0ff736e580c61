"""Windows: runs of pages of a length that is asked for, of documents that are longer or have pages that failed."""

from collections.abc import Collection
from itertools import groupby, pairwise

Window = tuple[int, int]
"""First and last page, both inclusive, from 0."""


def windows(pages: int, fewest: int, most: int) -> list[Window]:
    """Cut a document into as few windows of `fewest` to `most` pages as hold all its pages, of almost equal lengths.

    Where no number of windows holds all of them, as many as fit of `most` pages, from the beginning.
    """
    if pages < fewest:
        return []
    count = -(-pages // most)
    if count * fewest <= pages:
        edges = [round(pages * number / count) for number in range(count + 1)]
    else:
        edges = list(range(0, pages + 1, most))
    return [(first, end - 1) for first, end in pairwise(edges)]


def runs(window: Window, failed: Collection[int]) -> list[Window]:
    """Return the longest runs of pages of a window that hold no failed page."""
    pages = (page for page in range(window[0], window[1] + 1) if page not in failed)
    groups = (list(group) for _, group in groupby(enumerate(pages), key=lambda pair: pair[1] - pair[0]))
    return [(group[0][1], group[-1][1]) for group in groups]
