"""Runs made in memory, of any suite, with a known truth."""

import random
from collections.abc import Mapping, Sequence

from mmprolong.evaluation.score import metrics
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.records import Sample, Score
from mmprolong.reporting.sources.runs import Result, Runs
from tests.stores import judged


def answered(chance: float, tasks: Sequence[str], lengths: Sequence[str], seed: object, documents: int) -> list[Score]:
    """Four questions of each task on each document of each length; `chance` of a right answer."""
    scores = []
    for task in tasks:
        for length in lengths:
            for document in range(documents):
                for turn in range(4):
                    name = f"{task}-{length}-{document}-{turn}"
                    where = {"document": f"{length}-{document}", "task": task, "length": length}
                    sample = Sample(id=name, **where, depth=turn / 3, target="7")
                    scores.append(judged(sample, random.Random(f"{name}/{seed}/{chance}").random() < chance))
    return scores


def runs_of(
    chances: Mapping[str, float],
    tasks: Sequence[str],
    lengths: Sequence[str],
    baseline: str,
    seeds: int = 2,
    documents: int = 12,
    ablation: str = "made",
) -> Runs:
    """One arm for each label of `chances`."""
    config = {"suite": {"labels": list(lengths), "overall": list(lengths)}, "phases": {}}
    points = [
        Point(label=label, seed=seed, config=config, steps={"score": f"{label}-s{seed}"})
        for label in chances
        for seed in range(seeds)
    ]
    results = {}
    for point in points:
        scores = answered(chances[point.label], tasks, lengths, point.seed, documents)
        step = point.steps["score"]
        results[step] = Result(id=step, metrics=metrics(scores, lengths), scores=tuple(scores))
    return Runs(plan=Plan(ablation=ablation, baseline=baseline, points=tuple(points)), results=results)
