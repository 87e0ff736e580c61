"""Rows of one table must answer the same questions, and rows that are the same run are worth a remark."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mmprolong.errors import Wrong
from mmprolong.pipeline.plan import Plan, Point

QUESTIONS = ("suite.benchmark", "suite.source", "suite.labels", "suite.scorer", "corpus.digest", "corpus.heldout")
"""What decides which questions are asked and how their answers are judged."""
SET_BY = {"corpus.digest": "corpus.path"}
"""The key to change, where it is another one."""


def judged_otherwise(
    points: Sequence[Point], baseline: str, place: Callable[[Point, str], str]
) -> Iterator[tuple[str, Wrong]]:
    """The label of every row in which a question is not that of the baseline, and what is wrong.

    Args:
        place: of a value, by point and key.
    """
    first = next((point for point in points if point.label == baseline), None)
    if first is None:  # it is wrong itself, and said to be
        return
    expected = _questions(first.config)
    told: set[tuple[str, str]] = set()
    for point in points:
        for key, found in _questions(point.config).items():
            if found != expected[key] and (point.label, key) not in told:
                told.add((point.label, key))
                asked = f"{expected[key]!r} in {baseline!r} ({place(first, key)})"
                says = f"{found!r}, but {asked}; ask all rows the same questions"
                yield point.label, Wrong(key, says, where=place(point, key))


def equal_rows(plan: Plan) -> Iterator[str]:
    """A line for rows of the table that are the same runs."""
    rows: dict[frozenset[str], list[str]] = defaultdict(list)
    for label, points in plan.rows.items():
        rows[frozenset(point.steps["score"] for point in points)].append(label)
    for labels in rows.values():
        if len(labels) > 1:
            yield f"the same runs: {', '.join(map(repr, labels))} differ in nothing; one of them is enough"


def _questions(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values that `QUESTIONS` names, those of a block one by one."""
    found: dict[str, Any] = {}
    for key in QUESTIONS:
        group, name = key.split(".")
        value = config[group][name]
        found |= {f"{key}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {key: value}
    return found
