"""Columns of the papers' tables: what a column is called there, and which of our scores answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmprolong.reporting.sources.runs import Result

DOCUMENTS = {"MMLongBench-Doc": "mmlongbench_doc", "LongDocURL": "longdocurl", "SlideVQA": "slidevqa"}
"""Published data set -> task of our scores."""
NEEDLES = {"retrieval": "mm_niah_retrieval", "counting": "mm_niah_counting", "reasoning": "mm_niah_reasoning"}
MAXIMA = {"mmlongbench_doc": 56.7, "mmlbd_c": 57.3, "mmlongbench": 78.6, "dude": 61.8, "slidevqa": 84.5}
"""Best score of each visual benchmark in OriOn's Table 6 and its caption [%]: what its visual average is scaled by.

The paper does not print its own maxima; with these its averages are met within one point."""
TEXT_MAXIMA = {"helmet": 67.6, "longbench_v2": 50.0}
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


def by_length(tasks: Mapping[str, str], lengths: Sequence[str], overall: str = "overall") -> list[Measure]:
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


def plain(tasks: Mapping[str, str]) -> list[Measure]:
    """A column a task, of benchmarks without lengths."""
    return [Measure(column=name, parts={(task, ANY): 1.0}) for name, task in tasks.items()]


def orion(*names: str) -> list[Measure]:
    """OriOn's columns, all of them or those that are named.

    VA is the mean over its five visual benchmarks, each scaled by its maximum; LCA adds the two of text.

    Source: arXiv 2602.15257, section on evaluation; the maxima are inferred.
    """
    scaled = {(task, ANY): 1.0 / best for task, best in MAXIMA.items()}
    text = {(task, ANY): 1.0 / best for task, best in TEXT_MAXIMA.items()}
    single = {
        "MMLBD-C": "mmlbd_c",
        "MMLB 128K": "mmlongbench",
        "SlideVQA": "slidevqa",
        "HELMET": "helmet",
        "LBv2": "longbench_v2",
        "DUDE": "dude",
    }
    columns = [
        Measure(column="VA", parts={part: 100 * weight / len(scaled) for part, weight in scaled.items()}),
        Measure(column="LCA", parts={part: 100 * weight / 7 for part, weight in (scaled | text).items()}),
        *plain(single),
    ]
    return [column for column in columns if not names or column.column in names]


def _mean(parts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    return {part: 1 / len(parts) for part in parts}


def _accuracy(result: Result, task: str, length: str) -> float | None:
    """In [0, 1]."""
    found: Mapping[str, float] = result.metrics.get("by_task", {}).get(task, {})
    if length == ANY:
        return sum(found.values()) / len(found) if found else None
    return found.get(length)
