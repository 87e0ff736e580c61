"""Columns of published tables: their names there, and the cells of ours that they average."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mmprolong.evaluation.average import headline
from mmprolong.records import Average, Cell

MMPROLONG, ORION = "arXiv 2605.13831", "arXiv 2602.15257"
NAMES = {MMPROLONG: "MMProLong", ORION: "OriOn"}
JUDGED = "The paper's marks are those of an LLM judge: mmlongbench_docqa_llm_judge."
ANY = ""
"""All lengths of a benchmark."""


class TaskCells(NamedTuple):
    """Cells of ours: tasks of a benchmark at a length."""

    benchmark: str
    """Its plug-in, or its name in the suite."""
    tasks: tuple[str, ...] = ()
    """Equal shares; none: all tasks. Where they are named, another benchmark that has them all will do."""
    length: str = ANY

    def cells(self, cells: Sequence[Cell], plugins: Mapping[str, str]) -> list[Cell]:
        """Return its cells, of one benchmark; none if it was not evaluated.

        Args:
            plugins: plug-in of each benchmark of the suite.
        """
        at = [cell for cell in cells if self.length in (ANY, cell.length) and cell.task in (self.tasks or (cell.task,))]
        names = dict.fromkeys(cell.benchmark for cell in at)
        ranked = [name for name in names if name == self.benchmark]
        ranked += [name for name in names if plugins.get(name) == self.benchmark]
        for name in [*ranked, *(names if self.tasks else ())]:
            found = [cell for cell in at if cell.benchmark == name]
            if {cell.task for cell in found} >= set(self.tasks):
                return found
        return []


DOCUMENTS = {
    "MMLongBench-Doc": TaskCells("mmlongbench_docqa", ("mmlongdoc",)),
    "LongDocURL": TaskCells("mmlongbench_docqa", ("longdocurl",)),
    "SlideVQA": TaskCells("mmlongbench_docqa", ("slidevqa",)),
}
"""Published column -> our cells."""
_KINDS = ("retrieval", "counting", "reasoning")
NEEDLES = {kind: TaskCells("mmlongbench_niah", (f"{kind}-text", f"{kind}-image")) for kind in _KINDS}
RENDERED = {task.lower(): TaskCells("vtcbench", (task,)) for task in ("Retrieval", "Reasoning", "Memory")}
FILMS = {"Video-MME": TaskCells("video_mme"), "MLVU": TaskCells("mlvu"), "LongVideoBench": TaskCells("longvideobench")}
SHORT = {
    "MMBench": TaskCells("mmbench"),
    "RealWorldQA": TaskCells("realworldqa"),
    "MMMU": TaskCells("mmmu"),
    "MMMU-Pro": TaskCells("mmmu_pro"),
    "MathVista": TaskCells("mathvista"),
    "OCRBench": TaskCells("ocrbench"),
}
MAXIMA = {"mmlongbench_doc": 56.7, "mmlbd_c": 57.3, "mmlongbench": 78.6, "dude": 61.8, "slidevqa": 84.5}
"""Best score of each visual benchmark in OriOn's Table 6 and its caption [%]; scales its visual average.

The paper does not print its own maxima; with these its averages are met within one point."""
TEXT_MAXIMA = {"helmet": 67.6, "longbench_v2": 50.0}
SINGLE = {"MMLBD-C": "mmlbd_c", "MMLB 128K": "mmlongbench", "SlideVQA": "slidevqa"}
SINGLE |= {"HELMET": "helmet", "LBv2": "longbench_v2", "DUDE": "dude"}
"""OriOn's columns of single benchmarks -> ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column of scores [%]."""

    column: str
    """Its name in the published file, and its heading."""
    parts: Mapping[TaskCells, float]
    """Weights; the score is the weighted sum of the means of these cells."""
    suite: str = ""
    """Choice of `suite=` that evaluates it."""

    def average(self, cells: Sequence[Cell], plugins: Mapping[str, str]) -> Average:
        """Return the weights of our cells; empty if any part of the measure was not evaluated.

        Args:
            plugins: plug-in of each benchmark of the suite.
        """
        weights: dict[Cell, float] = defaultdict(float)
        for place, weight in self.parts.items():
            found = place.cells(cells, plugins)
            if not found:
                return {}
            for cell, share in headline(found).items():
                weights[cell] += weight * share
        return weights


def columns_by_length(
    places: Mapping[str, TaskCells], lengths: Sequence[str], overall: str = "overall", suite: str = "mmprolong"
) -> list[Measure]:
    """Return for each length a column a place and their mean, and at the end the mean over the lengths."""
    columns: list[Measure] = []
    for length in lengths:
        at = {name: place._replace(length=length) for name, place in places.items()}
        columns += columns_by_place(at, f"{length} avg", suite, prefix=f"{length} ")
    means = [place._replace(length=length) for length in lengths for place in places.values()]
    return [*columns, Measure(column=overall, parts=_mean(means), suite=suite)]


def columns_by_place(places: Mapping[str, TaskCells], mean: str, suite: str, prefix: str = "") -> list[Measure]:
    """Return a column a place, and their mean if it has a name."""
    columns = [Measure(column=prefix + name, parts={place: 1.0}, suite=suite) for name, place in places.items()]
    return [*columns, Measure(column=mean, parts=_mean([*places.values()]), suite=suite)] if mean else columns


def orion(*names: str) -> list[Measure]:
    """Return OriOn's columns, all of them or those that are named.

    VA is the mean over its five visual benchmarks, each scaled by its maximum; LCA adds the two of text.

    Source: arXiv 2602.15257, section on evaluation; the maxima are inferred.
    """
    scaled = {TaskCells(name): 100 / best for name, best in MAXIMA.items()}
    text = {TaskCells(name): 100 / best for name, best in TEXT_MAXIMA.items()}
    columns = [
        Measure(column="VA", parts={part: weight / 5 for part, weight in scaled.items()}, suite="orion"),
        Measure(column="LCA", parts={part: weight / 7 for part, weight in (scaled | text).items()}, suite="orion"),
        *columns_by_place({column: TaskCells(name) for column, name in SINGLE.items()}, "", "orion"),
    ]
    return [column for column in columns if not names or column.column in names]


def _mean(places: Sequence[TaskCells]) -> dict[TaskCells, float]:
    return dict.fromkeys(places, 1 / len(places))
