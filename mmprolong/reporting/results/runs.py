"""The runs of one ablation joined with their results by step id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmprolong.evaluation.average import headline
from mmprolong.evaluation.lengths import is_length, size
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Average, Cell, Score
from mmprolong.reporting.results.origins import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """A finished score step: one benchmark of one run."""

    id: str
    """Of the score step."""
    metrics: dict[str, Any]
    scores: tuple[Score, ...] = ()
    """One a question; empty where the source keeps only the means."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run: all its benchmarks are scored."""

    benchmarks: Mapping[str, BenchmarkResult]
    """By name in the suite."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the score steps."""
        return tuple(one.id for one in self.benchmarks.values())

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """One a question of every benchmark; empty where the source keeps only the means of one."""
        found = [one.scores for one in self.benchmarks.values()]
        return tuple(score for scores in found for score in scores) if all(found) else ()

    @cached_property
    def means(self) -> dict[Cell, float]:
        """The mean value of every cell, in [0, 1]."""
        return {
            Cell(benchmark, task, length): value
            for benchmark, one in self.benchmarks.items()
            for task, by_length in one.metrics.get("by_task", {}).items()
            for length, value in by_length.items()
        }

    @property
    def questions(self) -> int:
        """Number of questions over all benchmarks."""
        return sum(int(count) for one in self.benchmarks.values() for count in one.metrics.get("n", {}).values())


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The points of one ablation and the results that exist. A point without result is missing, never 0."""

    plan: Plan
    results: dict[str, BenchmarkResult] = field(default_factory=dict)
    """By id of the score step."""
    store: Path | None = None
    """Where the files of the runs lie; none: only results are at hand."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By id, as far as they are known."""
    stale: tuple[str, ...] = ()
    """Rows whose runs are not those that the ablation would plan today."""
    edited: Mapping[str, list[str]] = field(default_factory=dict)
    """Source files and defaults that were edited after a step ran, by its id."""
    remarks: tuple[str, ...] = ()
    """Notes that a table of these runs carries besides."""

    def of(self, label: str) -> list[Result]:
        """Return the finished runs of a row, one a seed."""
        return [result for point in self.plan.of(label) if (result := self.result(point))]

    def result(self, point: Point) -> Result | None:
        """Return the result of a point; None while a benchmark is missing."""
        return self._finished.get(point.name)

    @cached_property
    def _finished(self) -> dict[str, Result]:
        found = {}
        for point in self.plan.points:
            scored = {name: self.results[step] for name, step in point.scores.items() if step in self.results}
            if scored and scored.keys() == point.scores.keys():
                found[point.name] = Result(benchmarks=scored)
        return found

    def planned(self, label: str) -> int:
        """Return the number of different runs that the plan has for a row."""
        return len(self.plan.of(label))

    def steps(self, labels: Sequence[str] | None = None) -> dict[str, str]:
        """Return the steps on which the results of these rows rest, of all rows by default: stage by id."""
        rows = self.plan.labels if labels is None else labels
        return {
            step: stage_of(role)
            for point in self.plan.points
            if point.label in rows and self.result(point)
            for role, step in point.steps.items()
        }

    @cached_property
    def cells(self) -> list[Cell]:
        """All evaluated cells: benchmarks in the order of the suite, then the shortest lengths first."""
        found = {cell for label in self.plan.labels for result in self.of(label) for cell in result.means}
        order = list(self.plan.suite.get("benchmarks", {})) if found else []
        place = {name: number for number, name in enumerate([*order, *sorted({cell.benchmark for cell in found})])}
        return sorted(found, key=lambda cell: (place[cell.benchmark], _length(cell.length), cell.task))

    @property
    def lengths(self) -> list[str]:
        """Evaluated lengths over all benchmarks, shortest first."""
        return sorted({cell.length for cell in self.cells}, key=_length)

    @property
    def overall(self) -> list[str]:
        """Lengths whose mean is the headline score; none: all."""
        return list(self.plan.suite.get("overall", []))

    @cached_property
    def average(self) -> Average:
        """The headline mean; empty while nothing is finished.

        Raises:
            ConfigError: the suite's headline needs a length that no benchmark has.
        """
        return headline(self.cells, self.overall) if self.cells else {}

    @property
    def missing(self) -> list[Point]:
        """The different runs, row by row, whose result does not exist yet."""
        planned = (point for label in self.plan.labels for point in self.plan.of(label))
        return [point for point in planned if not self.result(point)]


def score_steps(plan: Plan) -> list[str]:
    """Return the ids of all score steps of a plan, each once."""
    return list(dict.fromkeys(step for point in plan.points for step in point.scores.values()))


def _length(name: str) -> tuple[bool, float, str]:
    """Return the sorting key of a length: by size, or by its number and name."""
    if is_length(name):
        return False, size(name), ""
    digits = re.match(r"\d+", name)
    return True, float(digits[0]) if digits else 0.0, name
