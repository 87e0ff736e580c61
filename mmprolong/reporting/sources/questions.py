"""Whether the runs of a table answered the same questions, so that their scores can be paired."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.records import Score

_FACTS = ("document", "task", "length", "depth", "target", "scorer")
"""What a question is, beside its id: ids are places in a suite, and two suites have the same places."""

_Asked = dict[str, tuple[Any, ...]]
"""The facts by sample."""


def require_same_questions(
    plan: Plan, answers: Mapping[str, Sequence[Score]], mixed_scorers: bool = False, hint: str = ", or --mixed-code"
) -> None:
    """Refuse runs of different questions, or that were scored differently.

    Args:
        answers: by id of the score step; empty where single questions were not kept.
        mixed_scorers: whether scores of different scorers may stand in one table.
        hint: how the advice goes on that all be scored with one version.

    Raises:
        ArtifactError: names the first two runs that differ, in what, and what to do.
    """
    facts = attrgetter(*(fact for fact in _FACTS if fact != "scorer" or not mixed_scorers))
    first: tuple[str, _Asked] | None = None
    for step, scores in answers.items():
        if not scores:
            continue
        asked = {score.sample: facts(score) for score in scores}
        if len(asked) != len(scores):
            raise ArtifactError(f"{step}: a question is scored twice; delete the folder to run the step again")
        if first is None:
            first = step, asked
        elif asked != first[1]:
            names = _name(plan, step), _name(plan, first[0])
            raise ArtifactError(f"{plan.ablation}: {_difference(names, asked, first[1], hint)}")


def _name(plan: Plan, step: str) -> str:
    return next((f"{point.name}, {step}" for point in plan.points if point.steps["score"] == step), step)


def _difference(names: tuple[str, str], asked: _Asked, expected: _Asked, hint: str) -> str:
    """What differs first: the number of questions, which they are, or what one of them is."""
    name, other = names
    if len(asked) != len(expected):
        return f"{name} answers {len(asked)} questions, not the {len(expected)} of {other}; compare runs of one suite"
    if asked.keys() != expected.keys():
        sample = next(sample for sample in asked if sample not in expected)
        return f"{name} answers {sample}, which {other} does not; compare runs of one suite"
    differing = [sample for sample in asked if asked[sample] != expected[sample]]
    sample = differing[0]
    pairs = zip(_FACTS, asked[sample], expected[sample], strict=False)
    fact, found, held = next(pair for pair in pairs if pair[1] != pair[2])
    where = f"{sample} ({len(differing)} of {len(asked)} questions differ)"
    if fact == "scorer":
        return f"{name}: scored by {found}, but {other} by {held}: {where}; score both with one version{hint}"
    todo = "give all rows one corpus and one suite, and sweep again"
    return f"{name} has {fact} {found!r} where {other} has {held!r}: {where}; {todo}"
