"""The headline mean, defined once: metrics, intervals, tables and claims weigh the cells of a suite by it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from mmprolong.errors import ConfigError, nearest
from mmprolong.records import Average, Cell, Score


def headline(cells: Iterable[Cell], lengths: Sequence[str] = ()) -> Average:
    """Return equal shares for benchmarks, within a benchmark for its lengths, and within a length for its tasks.

    Probes have no share, except among themselves.

    Args:
        lengths: those that count (`suite.overall`); none: all. A benchmark that has none of them, because its documents
            are as long as they are, counts with all of its own.

    Raises:
        ConfigError: no benchmark has one of the lengths; names it and the nearest.

    Source: arXiv 2605.13831, appendix B.1 (macro mean of the data sets at each length, then of the lengths).
    """
    tree: dict[str, dict[str, set[Cell]]] = defaultdict(lambda: defaultdict(set))
    cells = list(cells)
    for cell in [cell for cell in cells if not cell.is_probe] or cells:
        tree[cell.benchmark][cell.length].add(cell)
    known = {length for by_length in tree.values() for length in by_length}
    for length in lengths:
        if length not in known:
            raise ConfigError(f"suite.overall: {length!r} is no length of the suite; {nearest(length, known)}")
    weights: dict[Cell, float] = {}
    for by_length in tree.values():
        chosen = [length for length in dict.fromkeys(lengths) if length in by_length] or list(by_length)
        for length in chosen:
            share = 1 / len(tree) / len(chosen) / len(by_length[length])
            weights |= dict.fromkeys(by_length[length], share)
    return weights


def cell_means(scores: Iterable[Score]) -> dict[Cell, float]:
    """Return the mean value of each cell, in [0, 1]."""
    values: dict[Cell, list[float]] = defaultdict(list)
    for score in scores:
        values[score.cell].append(score.value)
    return {cell: fmean(found) for cell, found in values.items()}


def weighted_mean(average: Average, means: Mapping[Cell, float]) -> float | None:
    """Return the mean over cells; None if a cell that counts has no value, or none counts."""
    if not average or any(cell not in means for cell in average):
        return None
    return sum(weight * means[cell] for cell, weight in average.items())
