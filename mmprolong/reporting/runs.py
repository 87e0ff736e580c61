"""The runs of one ablation joined with their results by step id: from the store, or from W&B's offline files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.artifacts import Store
from mmprolong.errors import ArtifactError
from mmprolong.plans import Plan, Point, load_plan
from mmprolong.records import Score, read_jsonl
from mmprolong.reporting.cache import Cache
from mmprolong.reporting.lengths import size
from mmprolong.reporting.wandb_files import WandbRun, read_run, run_files


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

    def of(self, label: str) -> list[Result]:
        """The finished results of a row, one a seed."""
        found = (self.results.get(point.steps["score"]) for point in self.plan.of(label))
        return [result for result in found if result is not None]

    def planned(self, label: str) -> int:
        """How many different runs the plan has for a row."""
        return len(self.plan.of(label))

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
        """Points whose result does not exist yet."""
        return [point for point in self.plan.points if point.steps["score"] not in self.results]


def read_store(store: Path, ablation: str) -> Runs:
    """The runs of `ablation` with every result that is finished in the store.

    Raises:
        ConfigError: the store has no plan of that name.
        ArtifactError: a finished result is damaged, or results cannot be compared.
    """
    plan = load_plan(Store(store), ablation)
    ids = dict.fromkeys(point.steps["score"] for point in plan.points)
    found = {step: result for step in ids if (result := _result(Store(store), step)) is not None}
    return comparable(Runs(plan=plan, results=found, store=store))


def read_wandb(folder: Path, ablation: str) -> Runs:
    """The runs of `ablation` from W&B's offline folders (`offline-run-*`); the plan is `../plans/<ablation>.json`.

    Runs are joined by id, because a run that two ablations share carries the group of the first. A score run that
    logged its questions (history rows with the fields of `Score`) allows intervals; one that logged means does not.
    What was read is kept in `../cache` until its files change.

    Raises:
        ConfigError, ArtifactError: as in `read_store`.
    """
    plan = load_plan(Store(folder.parent), ablation)
    ids = {point.steps["score"] for point in plan.points}
    files = {step: paths for step, paths in run_files(folder).items() if step in ids}
    cache = Cache(folder.parent / "cache" / "wandb.msgpack", Result)
    found = {step: result for step, paths in files.items() if (result := _offline(step, paths, cache)) is not None}
    cache.save()
    return comparable(Runs(plan=plan, results=found))


def _result(store: Store, step: str) -> Result | None:
    record = store.record("score", step)
    if record is None:
        return None
    path = store.folder("score", step) / "scores.jsonl"
    if not path.is_file():
        raise ArtifactError(f"{path}: missing beside done.json; delete the folder to run the step again")
    return Result(id=record.id, metrics=record.metrics, scores=tuple(read_jsonl(path, Score)))


def _offline(step: str, files: list[Path], cache: Cache[Result]) -> Result | None:
    """From the cache while the files are as they were."""
    stats = [(path.parent.name, path.stat()) for path in files]
    mark = " ".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats)
    kept = cache.get(step, mark)
    if kept is not None:
        return kept
    result = result_of(read_run(step, files))
    if result is not None:
        cache.keep(step, mark, result)
    return result


def result_of(run: WandbRun) -> Result | None:
    """The evaluation that a run of W&B holds; None while it is not finished.

    Raises:
        ArtifactError: its questions have not the fields of a Score.
    """
    if "overall" not in run.summary:
        return None
    rows = [row for row in run.history if "sample" in row and "value" in row]
    try:
        scores = tuple(msgspec.convert(row, Score, strict=False) for row in rows)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"W&B run {run.id}: {error}; expected rows with the fields of a Score") from error
    return Result(id=run.id, metrics=run.summary, scores=scores)


def comparable(runs: Runs) -> Runs:
    """`runs`, if all were judged alike: the same questions by the same scorers.

    Raises:
        ArtifactError: names the first run that differs.
    """
    first: tuple[str, dict[str, str]] | None = None
    for result in runs.results.values():
        scorers = {score.sample: score.scorer for score in result.scores}
        if not scorers:
            continue
        if len(scorers) != len(result.scores):
            raise ArtifactError(f"{result.id}: a question is scored twice; delete the folder to run the step again")
        if first is None:
            first = result.id, scorers
        elif first[1] != scorers:
            raise ArtifactError(_difference(first, (result.id, scorers)))
    return runs


def _difference(one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]]) -> str:
    if one[1].keys() != other[1].keys():
        asked = f"answers {len(other[1])} questions, not the {len(one[1])} of {one[0]}"
        return f"{other[0]}: {asked}; compare runs of one suite"
    found, expected = (", ".join(sorted(set(scorers.values()))) for _, scorers in (other, one))
    return f"{other[0]}: scored by {found}, but {one[0]} by {expected}; score both with one version"
