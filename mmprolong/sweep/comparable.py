"""Arms of one table must answer the same questions; arms that are the same runs are worth a remark."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmprolong.errors import Problem
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import Step, stage_of


def asked_otherwise(
    points: Sequence[Point], steps: Mapping[str, Step], baseline: str
) -> Iterator[tuple[Point, Problem]]:
    """Yield every point whose questions or marks are not those of the baseline, and what differs."""
    first = next((point for point in points if point.label == baseline), None)
    expected = _judged_by(first, steps) if first else {}
    for point in points:
        if first and _judged_by(point, steps) != expected:
            theirs, ours = _questions(first.config), _questions(point.config)
            keys = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)] or ["suite.benchmarks"]
            for key in keys:
                says = f"{ours.get(key)!r}, but {theirs.get(key)!r} in {baseline!r}; ask all arms the same questions"
                yield point, Problem(key, says)


def equal_rows(plan: Plan) -> Iterator[str]:
    """Yield a line for arms that are the same runs."""
    rows: dict[frozenset[str], list[str]] = defaultdict(list)
    for label, points in plan.rows.items():
        ids = (step for point in points for role, step in point.steps.items() if stage_of(role) == "score")
        rows[frozenset(ids)].append(label)
    for labels in rows.values():
        if len(labels) > 1:
            yield f"the same runs: {', '.join(map(repr, labels))} differ in nothing; one of them is enough"


def _judged_by(point: Point, steps: Mapping[str, Step]) -> dict[str, Any]:
    """Return the ids of the questions and the settings of the marks, by role."""
    samples = {role: step for role, step in point.steps.items() if stage_of(role) == "samples"}
    return samples | {role: steps[step].settings for role, step in point.steps.items() if stage_of(role) == "score"}


def _questions(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that decide which questions are asked and how replies are judged, by key."""
    suite = config["suite"]
    found = {"corpus.path": config["corpus"]["digest"], "suite.overall": suite["overall"]}
    found |= {f"selection.{key}": value for key, value in config["selection"].items()}
    for name, each in suite["benchmarks"].items():
        found |= {f"suite.benchmarks.{name}.{key}": each[key] for key in ("benchmark", "source", "scorer")}
        source = config["sources"].get(each["source"], {})
        found |= {f"sources.{each['source']}.{key}": value for key, value in source.items()}
    return found
