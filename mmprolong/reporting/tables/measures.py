"""Columns of published tables: what a column is called there, and which of our scores answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.reporting.sources.runs import Result

ANY = ""
"""For a benchmark without lengths: the mean over the lengths that were asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column of scores [%]."""

    column: str
    """Its name in the published file, and its heading."""
    parts: Mapping[tuple[str, str], float]
    """(task, length) -> weight; the score is the weighted sum of these accuracies."""

    def of(self, result: Result) -> float | None:
        """The score of one run [%]; None if any part of it was not asked."""
        found = {part: _accuracy(result, *part) for part in self.parts}
        if any(value is None for value in found.values()):
            return None
        return sum(100 * weight * (found[part] or 0.0) for part, weight in self.parts.items())


def columns_by_length(tasks: Mapping[str, str], lengths: Sequence[str], overall: str = "overall") -> list[Measure]:
    """For each length a column a task and their mean, and at the end the mean over the lengths.

    Args:
        tasks: published name -> ours.
    """
    columns: list[Measure] = []
    for length in lengths:
        columns += [Measure(column=f"{length} {name}", parts={(task, length): 1.0}) for name, task in tasks.items()]
        columns.append(Measure(column=f"{length} avg", parts=_mean([(task, length) for task in tasks.values()])))
    every = [(task, length) for length in lengths for task in tasks.values()]
    return [*columns, Measure(column=overall, parts=_mean(every))]


def columns_by_task(tasks: Mapping[str, str]) -> list[Measure]:
    """A column a task, of benchmarks without lengths."""
    return [Measure(column=name, parts={(task, ANY): 1.0}) for name, task in tasks.items()]


def _mean(parts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    return {part: 1 / len(parts) for part in parts}


def _accuracy(result: Result, task: str, length: str) -> float | None:
    """In [0, 1]."""
    found: Mapping[str, float] = result.metrics.get("by_task", {}).get(task, {})
    if length == ANY:
        return sum(found.values()) / len(found) if found else None
    return found.get(length)
