"""Columns of published tables: their names there, and the cells of ours that they average."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmprolong.evaluation.average import headline
from mmprolong.records import Average, Cell

MMPROLONG, ORION = "arXiv 2605.13831", "arXiv 2602.15257"
DOCUMENTS = {"MMLongBench-Doc": "mmlongdoc", "LongDocURL": "longdocurl", "SlideVQA": "slidevqa"}
"""Published data set -> our task."""
NEEDLES = {"retrieval": "mm_niah_retrieval", "counting": "mm_niah_counting", "reasoning": "mm_niah_reasoning"}
MAXIMA = {"mmlongbench_doc": 56.7, "mmlbd_c": 57.3, "mmlongbench": 78.6, "dude": 61.8, "slidevqa": 84.5}
"""Best score of each visual benchmark in OriOn's Table 6 and its caption [%]; scales its visual average.

The paper does not print its own maxima; with these its averages are met within one point."""
TEXT_MAXIMA = {"helmet": 67.6, "longbench_v2": 50.0}
SINGLE = {"MMLBD-C": "mmlbd_c", "MMLB 128K": "mmlongbench", "SlideVQA": "slidevqa"}
SINGLE |= {"HELMET": "helmet", "LBv2": "longbench_v2", "DUDE": "dude"}
"""OriOn's columns of single benchmarks -> our task."""
ANY = ""
"""All lengths of a benchmark, or of a task in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column of scores [%]."""

    column: str
    """Its name in the published file, and its heading."""
    parts: Mapping[tuple[str, str], float]
    """(benchmark in the suite or task, length) -> weight; the score is the weighted sum of these means."""

    def average(self, cells: Sequence[Cell]) -> Average:
        """Return the weights of our cells; empty if any part of the measure was not evaluated."""
        weights: dict[Cell, float] = defaultdict(float)
        for (name, length), weight in self.parts.items():
            of_length = [cell for cell in cells if length in (ANY, cell.length)]
            found = [cell for cell in of_length if cell.benchmark == name] or [c for c in of_length if c.task == name]
            if not found:
                return {}
            for cell, share in headline(found).items():
                weights[cell] += weight * share
        return weights


def columns_by_length(tasks: Mapping[str, str], lengths: Sequence[str], overall: str = "overall") -> list[Measure]:
    """Return for each length a column a task and their mean, and at the end the mean over the lengths.

    Args:
        tasks: published name -> ours.
    """
    columns: list[Measure] = []
    for length in lengths:
        columns += [Measure(column=f"{length} {name}", parts={(task, length): 1.0}) for name, task in tasks.items()]
        columns.append(Measure(column=f"{length} avg", parts=_mean(tasks.values(), [length])))
    return [*columns, Measure(column=overall, parts=_mean(tasks.values(), lengths))]


def columns_by_task(tasks: Mapping[str, str]) -> list[Measure]:
    """Return a column a task, over all lengths of its benchmark."""
    return [Measure(column=name, parts={(task, ANY): 1.0}) for name, task in tasks.items()]


def orion(*names: str) -> list[Measure]:
    """Return OriOn's columns, all of them or those that are named.

    VA is the mean over its five visual benchmarks, each scaled by its maximum; LCA adds the two of text.

    Source: arXiv 2602.15257, section on evaluation; the maxima are inferred.
    """
    scaled = {(task, ANY): 100 / best for task, best in MAXIMA.items()}
    text = {(task, ANY): 100 / best for task, best in TEXT_MAXIMA.items()}
    columns = [
        Measure(column="VA", parts={part: weight / 5 for part, weight in scaled.items()}),
        Measure(column="LCA", parts={part: weight / 7 for part, weight in (scaled | text).items()}),
        *columns_by_task(SINGLE),
    ]
    return [column for column in columns if not names or column.column in names]


def _mean(tasks: Iterable[str], lengths: Sequence[str]) -> dict[tuple[str, str], float]:
    parts = [(task, length) for length in lengths for task in tasks]
    return dict.fromkeys(parts, 1 / len(parts))
