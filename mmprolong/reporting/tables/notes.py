"""What stands below a table: what it shows, how its intervals are made, and how far its rows can be trusted."""

import shlex
from collections.abc import Iterator, Mapping

from mmprolong.config.overrides import key_of
from mmprolong.reporting.results.origins import differing_code, differing_packages, machines
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Compared, uneven_arms
from mmprolong.reporting.statistics.intervals import Estimate
from mmprolong.reporting.statistics.scores import ArmScores
from mmprolong.reporting.tables.published import plain, signed
from mmprolong.sweep.commands import sweep_command

PARTIAL, STALE = "†", "‡ stale"
_SHOWN = 3
"""Kinds of machines that are named."""
_ELSEWHERE = ("ablation", "cluster", "tracking", "paths")
"""Overrides that say which ablation, or where and how its steps run: not what they are."""


def progress(runs: Runs) -> str:
    """Return ' (9 of 13 runs)' while a sweep that has results is not finished; else nothing."""
    planned = sum(map(runs.planned, runs.plan.labels))
    missing = len(runs.missing)
    return f" ({planned - missing} of {planned} runs)" if missing and runs.results else ""


def findings(
    runs: Runs,
    headline: str,
    found: Mapping[str, Estimate],
    near: set[str],
    pairs: Mapping[str, str],
    deltas: Mapping[str, Compared],
) -> Iterator[str]:
    """Yield the sentences that a table's own rows carry and no more.

    Args:
        headline: what the table calls the score.
        near: rows not told apart from the best.
        pairs: the row with which each is compared.
    """
    planned, missing = sum(map(runs.planned, runs.plan.labels)), [point.name for point in runs.missing]
    if planned and not missing:
        yield f"All {planned} runs are finished."
    elif planned:
        yield f"{planned - len(missing)} of {planned} runs are finished; missing: {', '.join(missing)}."
    if found:
        best = max(found, key=lambda label: found[label].value)
        level = f"Highest {headline}: {best}, {plain(100 * found[best].value)} %"
        yield (
            f"{level}; not told apart from it: {', '.join(one for one in found if one in near)}."
            if near
            else f"{level}."
        )
    known = {label: one for label, one in deltas.items() if one.difference and one.difference.has_interval}
    for other in dict.fromkeys(pairs[label] for label in known):
        for clear, words in ((True, "Clear of {} after Holm's correction"), (False, "Not clear of {}")):
            told = [
                f"{label} ({signed(100 * one.difference.value)})"
                for label, one in known.items()
                if one.difference and pairs[label] == other and one.clear == clear
            ]
            if told:
                yield f"{words.format(other)}: {', '.join(told)} points."


def statistics_notes(
    headline: str,
    arms: Mapping[str, ArmScores],
    compared: Mapping[tuple[str, str], Compared],
) -> Iterator[str]:
    """Yield what the numbers are, what their intervals cover, and where these are weak."""
    yield f"seeds: runs (finished/planned). n: questions a run answers. {headline}: ± standard deviation over seeds."
    if not arms:
        yield "No intervals: this source keeps means, not single questions."
        return
    single = [label for label, arm in arms.items() if len(arm.values) == 1]
    over = "documents" if len(single) == len(arms) else "documents and seeds"
    alone = f" (documents alone for {', '.join(single)}: one run)" if single and over != "documents" else ""
    yield f"95 % intervals over {over}{alone}, in pairs where arms are compared (Welch and Satterthwaite)."
    if any(one.difference for one in compared.values()):
        count = f"{len(compared)} comparison{'s' * (len(compared) > 1)}"
        yield (
            f"p: after Holm's correction over {count}. *: told apart from 0; ns: not. Bold: best of its column; "
            "≈: not told apart from the best arm."
        )
    two = [label for label, arm in arms.items() if len(arm.values) == 2]
    if two:
        yield f"Two seeds ({', '.join(two)}) say little of their spread: intervals are wide, and marks less sure."
    for label, (own, others) in uneven_arms(arms).items():
        yield (
            f"The seeds of {label} spread more than the others' (sd {plain(100 * own)} against {plain(100 * others)}): "
            "its interval is less sure, as few seeds show little of such a spread; run more."
        )


def trust_notes(runs: Runs) -> Iterator[str]:
    """Yield notes on what was typed, missing seeds, stale rows, code, packages and machines; none where all is well."""
    steps, origins = runs.behind(), runs.origins
    yield from launched_with(runs)
    if missing := [point.name for point in runs.missing]:
        yield f"{PARTIAL} Not final: these numbers are of the finished seeds alone. Missing: {', '.join(missing)}."
    if runs.stale:
        rows = ", ".join(label for label in runs.plan.labels if label in runs.stale)
        command = sweep_command(runs.plan, runs.store)
        yield f"{STALE} ({rows}): the settings or a stage have changed since these runs; refresh: {command}"
    yield from runs.remarks
    for each in differing_code(steps, origins):
        yield f"Code differs, of the same versions: {each}."
    for stage, packages in differing_packages(steps, origins).items():
        versions = ", ".join(f"{name} {' and '.join(each)}" for name, each in packages.items())
        yield f"Steps of {stage} ran with other packages: {versions}; their last digits may differ."
    if len(kinds := machines(steps, origins)) > 1:
        more = f" and {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
        yield f"{len(kinds)} kinds of machines: {'; '.join(kinds[:_SHOWN])}{more}."
    unknown = {step: stage for step, stage in steps.items() if step not in origins or not origins[step].code}
    if unknown:
        stages = ", ".join(dict.fromkeys(unknown.values()))
        yield f"Code unknown of {len(unknown)} of {len(steps)} steps ({stages}): not recorded, or gone."


def launched_with(runs: Runs | None) -> list[str]:
    """Return a note on the overrides that make the runs others than the ablation's file says."""
    overrides = runs.plan.overrides if runs else ()
    typed = [text for text in overrides if key_of(text).partition(".")[0] not in _ELSEWHERE]
    return [f"Launched with {shlex.join(typed)}: not as the ablation's file stands."] if typed else []


def commits(runs: Runs, label: str) -> list[str]:
    """Return the commits of the code behind a row."""
    found = (runs.origins.get(step) for step in runs.behind([label]))
    return sorted({origin.commit for origin in found if origin and origin.commit})
