"""The runs of an ablation that was not launched: rows and seeds as its file says, and no result."""

from mmprolong.pipeline.plan import Plan, Point
from mmprolong.reporting.sources.runs import Runs
from mmprolong.sweep.ablation import read_ablation


def unlaunched(ablation: str) -> Runs:
    """An ablation file as a plan of which nothing has run.

    Raises:
        ConfigError: there is no such ablation, or its file is wrong.
    """
    spec = read_ablation(ablation)
    known = {"suite": {}, "phases": {}}
    points = tuple(
        Point(label=label, seed=seed, config=known, steps={"score.any": f"{label}-s{seed}"})
        for label in spec.arms
        for seed in spec.seeds
    )
    plan = Plan(
        ablation=spec.name,
        question=spec.question,
        source=spec.source,
        baseline=spec.baseline,
        published=spec.published,
        table=spec.table,
        points=points,
    )
    return Runs(plan=plan)
