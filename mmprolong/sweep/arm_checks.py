"""Checks of the arms of one table: the same questions for all, and no two arms with the same runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmprolong.errors import Problem
from mmprolong.mixture.arm_comparison import Arm, compare, settings_of_arm
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import Step, stage_of


def find_other_questions(
    points: Sequence[Point], steps: Mapping[str, Step], baseline: str
) -> Iterator[tuple[Point, Problem]]:
    """Yield each point whose questions or scoring differ from the baseline's, with the settings that differ."""
    first = next((point for point in points if point.label == baseline), None)
    expected = _evaluation_of(first, steps) if first else {}
    for point in points:
        if first and _evaluation_of(point, steps) != expected:
            theirs, own = _evaluation_settings(first), _evaluation_settings(point)
            keys = [key for key in {**theirs, **own} if theirs.get(key) != own.get(key)] or ["suite.benchmarks"]
            for key in keys:
                found = f"{own.get(key)!r}, but {theirs.get(key)!r} in {baseline!r}; ask all arms the same questions"
                yield point, Problem(key, found)


def find_confounds(points: Sequence[Point], baseline: str, factors: Sequence[str]) -> Iterator[tuple[Point, Problem]]:
    """Yield each point that differs from the baseline in a setting that is not the declared factor."""
    first = {point.seed: settings_of_arm(point.config, point.steps) for point in points if point.label == baseline}
    for point in points if factors else ():
        if expected := first.get(point.seed):
            rows = compare(Arm(settings=expected), Arm(settings=settings_of_arm(point.config, point.steps)), factors)
            for row in (row for row in rows if row.verdict == "second"):
                found = f"{row.b}, but {row.a} in {baseline!r}; the arms are to differ in {', '.join(factors)} alone"
                yield point, Problem(row.name, found)


def describe_equal_arms(plan: Plan) -> Iterator[str]:
    """Yield a line for each set of arms with the same runs."""
    arms: dict[frozenset[str], list[str]] = defaultdict(list)
    for label, points in plan.rows.items():
        arms[frozenset(step for point in points for step in point.scores.values())].append(label)
    for labels in arms.values():
        if len(labels) > 1:
            yield f"the same runs: {', '.join(map(repr, labels))} differ in nothing; one of them is enough"


def _evaluation_of(point: Point, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Return the ids of the steps with the questions, and the settings of the score steps, by role."""
    samples = {role: step for role, step in point.steps.items() if stage_of(role) == "samples"}
    return samples | {role: steps[step].settings for role, step in point.steps.items() if stage_of(role) == "score"}


def _evaluation_settings(point: Point) -> dict[str, Any]:
    """Return the settings, by key, that decide which questions are asked and how replies are scored."""
    suite = point.config["suite"]
    asked = [f"sources.{each['source']}." for each in suite["benchmarks"].values()]
    beginnings = ("corpus.", "selection.", "suite.overall", "suite.benchmarks.", *asked)
    found = settings_of_arm(point.config, point.steps).items()
    chosen = ((key, value) for key, value in found if key.startswith(beginnings) and not key.endswith(".version"))
    return {key.removesuffix(".name"): value for key, value in chosen}  # a plug-in is chosen by its name
