"""Notes below a table: how its intervals are made, and how far its rows can be trusted."""

import shlex
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from mmprolong.config.overrides import key_of
from mmprolong.reporting.results.runs import Runs, differing_facts
from mmprolong.reporting.results.store import edited_files
from mmprolong.reporting.statistics.contrasts import uneven_arms
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.published import decimal
from mmprolong.sweep.commands import sweep_command

_NAMED = 3
"""Names in a note, before the number of the others."""
_EXECUTION = ("ablation", "cluster", "tracking", "paths")
"""Overrides without effect on results: the ablation's name, where and how its steps run."""


def statistics_notes(headline: str, arms: Mapping[str, ArmScores], comparisons: int) -> Iterator[str]:
    """Yield the meaning of the numbers, what their intervals cover, and where these are weak."""
    yield (
        f"Scores in %. seeds: runs (finished/planned). n: questions a run answers. {headline}: ± standard deviation "
        "over seeds."
    )
    if not arms:
        return
    single = [label for label, arm in arms.items() if len(arm.values) == 1]
    over = "documents" if len(single) == len(arms) else "documents and seeds"
    alone = f" (documents alone for {', '.join(single)}: one run)" if single and over != "documents" else ""
    yield f"95 % intervals over {over}{alone}, in pairs where arms are compared (Welch and Satterthwaite)."
    if comparisons:
        yield (
            f"p: after Holm's correction over {comparisons} comparison{'s' * (comparisons > 1)}. *: significant; ns: "
            "not. Bold: best of its column."
        )
    if two := [label for label, arm in arms.items() if len(arm.values) == 2]:
        yield f"Two seeds ({', '.join(two)}) say little of their spread: intervals are wide, and marks less sure."
    for label, deviations in uneven_arms(arms).items():
        own, others = (decimal(100 * deviation) for deviation in deviations)
        yield (
            f"The seeds of {label} spread more than the others' (sd {own} against {others}): its interval is less "
            "sure, as few seeds show little of such a spread; run more."
        )


def trust_notes(runs: Runs) -> Iterator[str]:
    """Yield notes on overrides, missing seeds, stale rows, edits and mixed origins; none where all is well."""
    steps, records = runs.steps(), runs.records
    yield from override_notes(runs)
    if missing := [point.name for point in runs.missing]:
        yield f"partial: not final, these numbers are of the finished seeds alone. Missing: {', '.join(missing)}."
    if runs.stale:
        rows, command = ", ".join(runs.stale), sweep_command(runs.plan, runs.store)
        yield f"stale ({rows}): the settings or a stage have changed since these runs; refresh: {command}"
    yield from runs.remarks
    edited: dict[str, dict[str, None]] = defaultdict(dict)
    for step, stage in runs.steps([label for label in runs.plan.labels if label not in runs.stale]).items():
        edited[stage] |= dict.fromkeys(edited_files(records[step]) if step in records else ())
    for stage, names in edited.items():
        if names:
            yield (
                f"Edited since {stage} ran, without a new version: {_first(names)}; the numbers are of the old "
                "code. Raise its version to run it again."
            )
    mixed: dict[str, list[str]] = defaultdict(list)
    for stage, name, _ in differing_facts(runs, lambda one: one.code | one.packages | {"hardware": one.hardware}):
        mixed[stage].append(name)
    for stage, names in mixed.items():
        yield f"Steps of {stage} differ in {_first(names)}: their last digits may differ."
    if unknown := steps.keys() - records.keys():
        yield f"Code, packages and hardware of {len(unknown)} of {len(steps)} steps are not known."


def override_notes(runs: Runs | None) -> list[str]:
    """Return a note on the overrides by which the runs differ from the ablation's file."""
    overrides = runs.plan.overrides if runs else ()
    typed = [text for text in overrides if key_of(text).partition(".")[0] not in _EXECUTION]
    return [f"Launched with {shlex.join(typed)}: other than in the ablation's file."] if typed else []


def _first(names: Collection[str]) -> str:
    """Return the first three names, and the number of the others."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(list(names)[:_NAMED])}{more}"
