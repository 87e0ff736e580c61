"""The runs of one ablation joined with their results by step id, and the records of the steps behind them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

from mmprolong.errors import ArtifactError
from mmprolong.evaluation.average import headline
from mmprolong.evaluation.lengths import is_length, size
from mmprolong.evaluation.official import OFFICIAL
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.plugins import split
from mmprolong.records import Average, Cell, Score
from mmprolong.store.run_record import RunRecord

_QUESTION = attrgetter("sample", "task", "length", "cluster", "target")
"""Identity of a question: ids alone are places in a suite, and two suites have the same places."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run: all its benchmarks are scored."""

    steps: tuple[str, ...]
    """Ids of the score steps."""
    scores: tuple[Score, ...]
    """One a question of every benchmark."""

    @cached_property
    def cells(self) -> set[Cell]:
        """Cells in which it was evaluated."""
        return {score.cell for score in self.scores}


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The points of one ablation and the results that exist. A point without result is missing, never 0."""

    plan: Plan
    results: dict[str, tuple[Score, ...]] = field(default_factory=dict)
    """Scores of one benchmark of one run, by id of the score step."""
    store: Path | None = None
    """Where the files of the runs lie; none: only results are at hand."""
    records: Mapping[str, RunRecord] = field(default_factory=dict)
    """Records of the steps behind the results, by id, as far as they are known."""
    stale: tuple[str, ...] = ()
    """Rows whose runs are not those that the ablation would plan today."""
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
            steps = tuple(point.scores.values())
            if steps and self.results.keys() >= set(steps):
                found[point.name] = Result(steps=steps, scores=tuple(chain(*(self.results[step] for step in steps))))
        return found

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
        found = {cell for label in self.plan.labels for result in self.of(label) for cell in result.cells}
        order = list(self.plan.suite.get("benchmarks", {})) if found else []
        place = {name: number for number, name in enumerate([*order, *sorted({cell.benchmark for cell in found})])}
        return sorted(found, key=lambda cell: (place[cell.benchmark], _length(cell.length), cell.task))

    @property
    def lengths(self) -> list[str]:
        """Lengths of the cells that have a share in the headline's kind of mean, shortest first."""
        return sorted({cell.length for cell in headline(self.cells)}, key=_length)

    @property
    def plugins(self) -> dict[str, str]:
        """Plug-in of each benchmark of the suite, by its name there."""
        benchmarks = self.plan.suite.get("benchmarks", {}) if self.plan.points else {}
        return {name: split(each["benchmark"])[0] for name, each in benchmarks.items()}

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
        return [point for label in self.plan.labels for point in self.plan.of(label) if not self.result(point)]


def restated(runs: Runs) -> Runs:
    """Return the runs with the marks of `OFFICIAL` benchmarks as they count there."""
    marks = {name: OFFICIAL[plugin][1] for name, plugin in runs.plugins.items() if plugin in OFFICIAL}
    steps = {step: name for point in runs.plan.points for name, step in point.scores.items() if name in marks}
    counted = {step: marks[steps[step]](scores) for step, scores in runs.results.items() if step in steps}
    return replace(runs, results={**runs.results, **counted})


def score_steps(plan: Plan) -> list[str]:
    """Return the ids of all score steps of a plan, each once."""
    return list(dict.fromkeys(step for point in plan.points for step in point.scores.values()))


def require_comparable(runs: Runs) -> Runs:
    """Return `runs`, if the same versions made all steps of a stage, and all answered the same questions.

    Raises:
        ArtifactError: names the first two that differ, in what, and what to do.
    """
    name = runs.plan.ablation
    versions = differing_facts(runs, lambda one: {one.stage: one.version, **plugin_versions(one.settings)})
    for stage, what, found in versions:
        sides = " and ".join(f"{version} in {stage}/{step}" for version, step in found.items())
        advice = "sweep again, so that all rows are of today's version"
        raise ArtifactError(f"{name}: different versions of {what} made steps of {stage}: {sides}; {advice}")
    first: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
    for run, benchmark, step in ((point.name, *each) for point in runs.plan.points for each in point.scores.items()):
        questions = sorted(map(_QUESTION, runs.results.get(step, ())))
        other, expected = first.setdefault(benchmark, (run, questions)) if questions else ("", questions)
        if questions != expected:
            differing = len({*questions} ^ {*expected})
            raise ArtifactError(
                f"{name}: {run}, {step} and {other} answered different questions of {benchmark} "
                f"({len(questions)} and {len(expected)}, {differing} in one alone); "
                "give all rows one corpus and one suite, and sweep again"
            )
    return runs


def plugin_versions(settings: Mapping[str, Any], key: str = "") -> dict[str, int]:
    """Return the versions in a step's identity: of plug-ins by key and name, of the tasks of a source by name."""
    found = {f"{key}{name}": one for name, one in settings.items() if key.endswith("versions.")}
    if "name" in settings and isinstance(settings.get("version"), int):
        found[f"{key}{settings['name']}"] = settings["version"]
    for name, inner in settings.items():
        if isinstance(inner, Mapping):
            found |= plugin_versions(inner, f"{key}{name}.")
    return found


def differing_facts(
    runs: Runs, facts: Callable[[RunRecord], Mapping[str, Any]]
) -> Iterator[tuple[str, str, dict[Any, str]]]:
    """Yield stage, name and value -> first step of each fact that differs among the steps of one stage."""
    found: dict[tuple[str, str], dict[Any, str]] = defaultdict(dict)
    for step, stage in runs.steps().items():
        for name, value in facts(runs.records[step]).items() if step in runs.records else ():
            found[stage, name].setdefault(value, step)
    yield from ((stage, name, values) for (stage, name), values in found.items() if len(values) > 1)


def _length(name: str) -> tuple[bool, float, str]:
    """Return the sorting key of a length: by size, or by its number and name."""
    if is_length(name):
        return False, size(name), ""
    digits = re.match(r"\d+", name)
    return True, float(digits[0]) if digits else 0.0, name
