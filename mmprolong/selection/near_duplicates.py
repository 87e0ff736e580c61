"""Clusters of near-duplicates by the documents' MinHash signatures."""

import numpy as np

ALIKE = 0.7
"""Estimated Jaccard similarity of near-duplicates."""
_CHUNK = 65_536
"""Pairs that are compared at a time."""
_ROWS = 8
"""Values of a band: 16 bands of 8 find pairs of similarity 0.7 with probability 0.6, of 0.8 with 0.95."""


def clusters(signatures: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return for each document the number of the first document of its cluster.

    One band is in memory at a time. Documents whose band is equal are compared with their neighbours and the first of
    them; clusters are transitive.

    Args:
        signatures: uint32 (documents, values), perhaps of a file; a row of zeros is like no other.
        rows: of the documents; none: all of them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.arange(len(signatures)) if rows is None else rows
    count = len(rows)
    pairs = [_pairs(signatures, rows, start) for start in range(0, signatures.shape[1], _ROWS)]
    left, right = np.concatenate([np.empty((2, 0), np.int64), *pairs], axis=1)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    first = np.full(count, count)
    np.minimum.at(first, labels, np.arange(count))
    return first[labels]


def _pairs(signatures: np.ndarray, rows: np.ndarray, start: int) -> np.ndarray:
    """Return the near-duplicates, int64 (2, pairs), among those that share the band that begins at `start`."""
    band = np.ascontiguousarray(signatures[:, start : start + _ROWS])[rows]
    keys = band.view(np.dtype((np.void, band.itemsize * band.shape[1]))).ravel()
    order = np.argsort(keys, kind="stable")
    order = order[band[order].any(1)]
    equal = keys[order][1:] == keys[order][:-1]
    begins = np.flatnonzero(np.concatenate([[True], ~equal])) if len(order) else np.empty(0, np.int64)
    first = np.repeat(order[begins], np.diff(np.append(begins, len(order))))
    candidates = np.stack([np.concatenate([order[:-1][equal], first]), np.concatenate([order[1:][equal], order])])
    candidates = candidates[:, candidates[0] != candidates[1]]
    alike = [_alike(signatures, rows[candidates[:, at : at + _CHUNK]]) for at in range(0, candidates.shape[1], _CHUNK)]
    return candidates[:, np.concatenate([np.empty(0, bool), *alike])]


def _alike(signatures: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return (signatures[pairs[0]] == signatures[pairs[1]]).mean(1) >= ALIKE
