"""Windows: runs of pages of a length that is asked for, of documents that are longer."""

from itertools import pairwise

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
