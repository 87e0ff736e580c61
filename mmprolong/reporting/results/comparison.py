"""Runs may stand in one table if they answered the same questions and the same versions made them."""

from operator import attrgetter

from mmprolong.errors import ArtifactError
from mmprolong.reporting.results.origins import differing_facts
from mmprolong.reporting.results.runs import Runs

_QUESTION = attrgetter("sample", "task", "length", "cluster", "target")
"""Identity of a question: ids alone are places in a suite, and two suites have the same places."""


def require_comparable(runs: Runs) -> Runs:
    """Return `runs`, if they can be compared.

    Raises:
        ArtifactError: names the first two that differ, in what, and what to do.
    """
    _require_same_versions(runs)
    _require_same_questions(runs)
    return runs


def _require_same_versions(runs: Runs) -> None:
    """Refuse results made by different versions of a stage or plug-in."""
    for stage, name, found in differing_facts(runs.steps(), runs.origins, lambda origin: origin.versions):
        sides = " and ".join(f"{version} in {stage}/{step}" for version, step in found.items())
        raise ArtifactError(
            f"{runs.plan.ablation}: different versions of {name} made steps of {stage}: {sides}; sweep again, so that "
            "all rows are of today's version"
        )


def _require_same_questions(runs: Runs) -> None:
    """Refuse runs that answered different questions of a benchmark, where single questions are known."""
    first: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
    scored = [(point, name, step) for point in runs.plan.points for name, step in point.scores.items()]
    for point, benchmark, step in scored:
        questions = sorted(map(_QUESTION, runs.results[step].scores)) if step in runs.results else []
        other, expected = first.setdefault(benchmark, (point.name, questions)) if questions else ("", questions)
        if questions != expected:
            differing = len({*questions} ^ {*expected})
            raise ArtifactError(
                f"{runs.plan.ablation}: {point.name}, {step} and {other} answered different questions of {benchmark} "
                f"({len(questions)} and {len(expected)}, {differing} in one alone); "
                "give all rows one corpus and one suite, and sweep again"
            )
