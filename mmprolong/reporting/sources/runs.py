"""The runs of one ablation joined with their results by step id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError
from mmprolong.evaluation.average import cell_means, headline
from mmprolong.evaluation.lengths import is_length, size
from mmprolong.pipeline.plan import Plan, Point, load_plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Average, Cell, Score, read_jsonl
from mmprolong.reporting.sources.origins import Origin, read_origin, require_one_code
from mmprolong.reporting.sources.questions import require_same_questions
from mmprolong.store.store import Store

_ROUNDING = 1e-9


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

    point: Point
    benchmarks: Mapping[str, BenchmarkResult]
    """By name in the suite."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The score steps."""
        return tuple(one.id for one in self.benchmarks.values())

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """One a question of every benchmark; empty where the source keeps only the means of one."""
        found = [one.scores for one in self.benchmarks.values()]
        return tuple(score for scores in found for score in scores) if all(found) else ()

    @cached_property
    def means(self) -> dict[Cell, float]:
        """The mean value of every cell, in [0, 1]."""
        if self.scores:
            return cell_means(self.scores)
        return {
            Cell(benchmark, task, length): value
            for benchmark, one in self.benchmarks.items()
            for task, by_length in one.metrics.get("by_task", {}).items()
            for length, value in by_length.items()
        }

    @property
    def questions(self) -> int:
        """Number of questions over all benchmarks."""
        asked = (one.metrics.get("n", {}).values() for one in self.benchmarks.values())
        return len(self.scores) or sum(int(count) for counts in asked for count in counts)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The points of one ablation and the results that exist. A point without result is missing, never 0."""

    plan: Plan
    results: dict[str, BenchmarkResult] = field(default_factory=dict)
    """By id of the score step."""
    store: Path | None = None
    """Where the files of the runs lie; none: only results are at hand."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """What made the steps, as far as it is known, by id."""
    stale: frozenset[str] = frozenset()
    """Rows whose runs are not those that the ablation would plan today."""
    remarks: tuple[str, ...] = ()
    """What a table of these runs must say besides."""

    def of(self, label: str) -> list[Result]:
        """The finished runs of a row, one a seed."""
        return [result for point in self.plan.of(label) if (result := self.result(point))]

    def result(self, point: Point) -> Result | None:
        """The result of a point; None while a benchmark is missing."""
        return self._finished.get(point.name)

    @cached_property
    def _finished(self) -> dict[str, Result]:
        found = {}
        for point in self.plan.points:
            scored = {name: self.results[step] for name, step in point.scores.items() if step in self.results}
            if scored and scored.keys() == point.scores.keys():
                found[point.name] = Result(point=point, benchmarks=scored)
        return found

    def planned(self, label: str) -> int:
        """How many different runs the plan has for a row."""
        return len(self.plan.of(label))

    def behind(self, labels: Sequence[str] = ()) -> dict[str, str]:
        """The steps on which the results of these rows hang, of all rows by default: stage by id."""
        rows = set(labels or self.plan.labels)
        return {
            step: stage_of(role)
            for point in self.plan.points
            if point.label in rows and self.result(point)
            for role, step in point.steps.items()
        }

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells that were asked: benchmarks in the order of the suite, then the shortest lengths first."""
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
    """The ids of all score steps of a plan, each once."""
    return list(dict.fromkeys(step for point in plan.points for step in point.scores.values()))


def read_store(store: Path, ablation: str, mixed_code: bool = False) -> Runs:
    """The runs of `ablation` with every result that is finished in the store.

    Args:
        mixed_code: whether results of different code may stand in one table.

    Raises:
        ConfigError: the store has no plan of that name.
        ArtifactError: a finished result is damaged, or results cannot be compared.
    """
    return read_runs(store, load_plan(Store(store), ablation), mixed_code)


def read_runs(store: Path, plan: Plan, mixed_code: bool = False) -> Runs:
    """The runs of `plan`, which need not be what the store holds under its name, as `read_store` reads them.

    Raises:
        ArtifactError: a finished result is damaged, or results cannot be compared.
    """
    held = Store(store)
    found = {step: result for step in score_steps(plan) if (result := _result(held, step)) is not None}
    runs = Runs(plan=plan, results=found, store=store)
    origins = {step: origin for step, stage in runs.behind().items() if (origin := read_origin(held, stage, step))}
    return comparable(replace(runs, origins=origins), mixed_code)


def _result(store: Store, step: str) -> BenchmarkResult | None:
    """A score step, if it is finished.

    Raises:
        ArtifactError: a file is not what the step wrote, or the means of its record are not those of its scores.
    """
    record = store.verified("score", step)
    if record is None:
        return None
    path = store.folder("score", step) / "scores.jsonl"
    scores = tuple(read_jsonl(path, Score))
    for cell, mean in cell_means(scores).items():
        recorded = record.metrics.get("by_task", {}).get(cell.task, {}).get(cell.length)
        if recorded is None or abs(recorded - mean) > _ROUNDING:
            says = f"the mean of {cell.task} at {cell.length} is {mean:.6f}, in its record {recorded!r}"
            raise ArtifactError(f"{path}: {says}; delete the folder to run the step again")
    return BenchmarkResult(id=record.id, metrics=record.metrics, scores=scores)


def comparable(runs: Runs, mixed_code: bool = False) -> Runs:
    """`runs`, if all were made and judged alike: by the same code, the same questions.

    Args:
        mixed_code: whether results of different code may stand in one table.

    Raises:
        ArtifactError: names the first two runs that differ.
        MixedCode: names the steps that differ.
    """
    if not mixed_code:
        require_one_code(runs.plan.ablation, runs.behind(), runs.origins)
    require_same_questions(runs.plan, {step: result.scores for step, result in runs.results.items()})
    return runs


def _length(name: str) -> tuple[bool, float, str]:
    """The order of lengths: multiples of the native context and tokens by size, others by their number and name."""
    if is_length(name):
        return False, size(name), ""
    digits = re.match(r"\d+", name)
    return True, float(digits[0]) if digits else 0.0, name
