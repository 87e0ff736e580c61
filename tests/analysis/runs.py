"""Runs made in memory, of any suite, with a known truth."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Cell, Score
from mmprolong.reporting.results.runs import Runs

BENCHMARK = "heldout"


def judged(cell: Cell, cluster: str, sample: str, value: float) -> Score:
    """A score of 0 or 1 whose target is 7."""
    parsed = "7" if value else "8"
    where: dict[str, Any] = {"benchmark": cell.benchmark, "task": cell.task, "length": cell.length, "cluster": cluster}
    return Score(sample=sample, **where, target="7", value=value, parsed=parsed)


def answered(chance: float, cells: Sequence[Cell], seed: object, documents: int) -> Iterator[Score]:
    """Four questions of each cell on each document; `chance` of a right answer."""
    for cell in cells:
        for document in range(documents):
            for turn in range(4):
                name = f"{cell.task}-{cell.length}-{document}-{turn}"
                right = random.Random(f"{cell.benchmark}{name}/{seed}/{chance}").random() < chance
                yield judged(cell, f"{cell.length}-{document}", name, float(right))


def runs_with(scores: Mapping[tuple[str, int], Sequence[Score]], baseline: str, **suite: Any) -> Runs:
    """Runs with these scores by label and seed, of one or several benchmarks."""
    ablation = suite.pop("ablation", "made")
    points, results = [], {}
    for (label, seed), found in scores.items():
        steps = {}
        for name in dict.fromkeys(score.benchmark for score in found):
            steps[f"score.{name}"] = step = f"{name}-{label}-s{seed}"
            results[step] = tuple(score for score in found if score.benchmark == name)
        points.append(
            Point(label=label, seed=seed, config={"suite": {"overall": [], **suite}, "phases": {}}, steps=steps)
        )
    return Runs(plan=Plan(ablation=ablation, baseline=baseline, points=tuple(points)), results=results)


def runs_of(
    chances: Mapping[str, float],
    tasks: Sequence[str],
    lengths: Sequence[str],
    baseline: str,
    seeds: int = 2,
    documents: int = 12,
    benchmarks: Sequence[str] = (BENCHMARK,),
    **suite: Any,
) -> Runs:
    """One arm for each label of `chances`."""
    cells = [Cell(benchmark, task, length) for benchmark in benchmarks for task in tasks for length in lengths]
    scores = {
        (label, seed): list(answered(chance, cells, f"{label}{seed}", documents))
        for label, chance in chances.items()
        for seed in range(seeds)
    }
    return runs_with(scores, baseline, **suite)
