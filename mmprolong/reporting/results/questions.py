"""Comparison of the questions that the runs of a table answered, so that their scores can be paired."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score

_QUESTION = attrgetter("sample", "task", "length", "cluster", "target")
"""Ids alone are places in a suite, and two suites have the same places."""


def require_same_questions(plan: Plan, answers: Mapping[str, Sequence[Score]]) -> None:
    """Refuse runs that answered different questions of a benchmark.

    Args:
        answers: by id of the score step; empty where single questions were not kept.

    Raises:
        ArtifactError: names the first two runs that differ, in how many questions, and what to do.
    """
    first: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
    for name, benchmark, step in ((p.name, *each) for p in plan.points for each in p.scores.items()):
        if not answers.get(step):
            continue
        asked = sorted(map(_QUESTION, answers[step]))
        other, expected = first.setdefault(benchmark, (name, asked))
        if asked != expected:
            differing = len({*asked} ^ {*expected})
            raise ArtifactError(
                f"{plan.ablation}: {name}, {step} and {other} answered different questions of {benchmark} "
                f"({len(asked)} and {len(expected)}, {differing} in one alone); "
                "give all rows one corpus and one suite, and sweep again"
            )
