"""The runs of one ablation joined with their results by step id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmprolong.evaluation.lengths import size
from mmprolong.pipeline.plan import Plan, Point, load_plan
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Score, read_jsonl
from mmprolong.reporting.sources.origins import Origin, read_origin, require_one_code
from mmprolong.reporting.sources.questions import require_same_questions
from mmprolong.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished evaluation."""

    id: str
    """Id of the score step."""
    metrics: dict[str, Any]
    scores: tuple[Score, ...] = ()
    """One a question; empty where the source keeps only the means."""

    def accuracy(self, length: str) -> float | None:
        """Score at a length, in [0, 1]: the mean over the tasks' means; None where nothing was asked."""
        return self.metrics.get("accuracy", {}).get(length)

    def questions(self, lengths: list[str]) -> int:
        """Number of questions over `lengths`."""
        if self.scores:
            return sum(score.length in lengths for score in self.scores)
        return sum(int(self.metrics.get("n", {}).get(length, 0)) for length in lengths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The points of one ablation and the results that exist. A point without result is missing, never 0."""

    plan: Plan
    results: dict[str, Result] = field(default_factory=dict)
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
        """The finished results of a row, one a seed."""
        found = (self.results.get(point.steps["score"]) for point in self.plan.of(label))
        return [result for result in found if result is not None]

    def planned(self, label: str) -> int:
        """How many different runs the plan has for a row."""
        return len(self.plan.of(label))

    def behind(self, labels: Sequence[str] = ()) -> dict[str, str]:
        """The steps on which the results of these rows hang, of all rows by default: stage by id."""
        rows = set(labels or self.plan.labels)
        return {
            step: stage_of(role)
            for point in self.plan.points
            if point.label in rows and point.steps["score"] in self.results
            for role, step in point.steps.items()
        }

    @property
    def lengths(self) -> list[str]:
        """Labels of the evaluated lengths, shortest first."""
        found = {length for result in self.results.values() for length in result.metrics.get("accuracy", {})}
        return list(self.plan.suite["labels"]) or sorted(found, key=size)

    @property
    def overall(self) -> list[str]:
        """Lengths whose mean is the headline score."""
        return list(self.plan.suite["overall"]) or self.lengths

    @property
    def missing(self) -> list[Point]:
        """The different runs, row by row, whose result does not exist yet."""
        planned = (point for label in self.plan.labels for point in self.plan.of(label))
        return [point for point in planned if point.steps["score"] not in self.results]


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
    ids = dict.fromkeys(point.steps["score"] for point in plan.points)
    found = {step: result for step in ids if (result := _result(held, step)) is not None}
    runs = Runs(plan=plan, results=found, store=store)
    origins = {step: origin for step, stage in runs.behind().items() if (origin := read_origin(held, stage, step))}
    return comparable(replace(runs, origins=origins), mixed_code)


def _result(store: Store, step: str) -> Result | None:
    record = store.verified("score", step)
    if record is None:
        return None
    path = store.folder("score", step) / "scores.jsonl"
    return Result(id=record.id, metrics=record.metrics, scores=tuple(read_jsonl(path, Score)))


def comparable(runs: Runs, mixed_code: bool = False) -> Runs:
    """`runs`, if all were made and judged alike: by the same code, the same questions, the same scorers.

    Args:
        mixed_code: whether results of different code, or of different scorers, may stand in one table.

    Raises:
        ArtifactError: names the first two runs that differ.
        MixedCode: names the steps that differ.
    """
    if not mixed_code:
        require_one_code(runs.plan.ablation, runs.behind(), runs.origins)
    answers = {step: result.scores for step, result in runs.results.items()}
    require_same_questions(runs.plan, answers, mixed_scorers=mixed_code)
    return runs
