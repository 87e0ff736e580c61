"""Whether the runs of a table answered the same questions, so that their scores can be paired."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score

_FACTS = ("cluster", "task", "length", "target")
"""What a question is, beside its id: ids are places in a suite, and two suites have the same places."""

_Asked = dict[str, tuple[Any, ...]]
"""The facts by sample."""


def require_same_questions(plan: Plan, answers: Mapping[str, Sequence[Score]]) -> None:
    """Refuse runs that answered different questions of a benchmark.

    Args:
        answers: by id of the score step; empty where single questions were not kept.

    Raises:
        ArtifactError: names the first two runs that differ, in what, and what to do.
    """
    first: dict[str, tuple[str, _Asked]] = {}
    named = {step: (name, point) for point in reversed(plan.points) for name, step in point.scores.items()}
    for step, scores in answers.items():
        if not scores or step not in named:
            continue
        benchmark, point = named[step]
        asked = {score.sample: attrgetter(*_FACTS)(score) for score in scores}
        if len(asked) != len(scores):
            raise ArtifactError(f"{step}: a question is scored twice; delete the folder to run the step again")
        name = f"{point.name}, {step}"
        other, expected = first.setdefault(benchmark, (name, asked))
        if asked != expected:
            raise ArtifactError(f"{plan.ablation}: {_difference((name, other), asked, expected)}")


def _difference(names: tuple[str, str], asked: _Asked, expected: _Asked) -> str:
    """What differs first: the number of questions, which they are, or what one of them is."""
    name, other = names
    if len(asked) != len(expected):
        return f"{name} answers {len(asked)} questions, not the {len(expected)} of {other}; compare runs of one suite"
    if asked.keys() != expected.keys():
        sample = next(sample for sample in asked if sample not in expected)
        return f"{name} answers {sample}, which {other} does not; compare runs of one suite"
    differing = [sample for sample in asked if asked[sample] != expected[sample]]
    sample = differing[0]
    pairs = zip(_FACTS, asked[sample], expected[sample], strict=True)
    fact, found, held = next(pair for pair in pairs if pair[1] != pair[2])
    where = f"{sample} ({len(differing)} of {len(asked)} questions differ)"
    todo = "give all rows one corpus and one suite, and sweep again"
    return f"{name} has {fact} {found!r} where {other} has {held!r}: {where}; {todo}"
