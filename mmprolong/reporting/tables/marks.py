"""What a table must say of how far its rows can be trusted: unfinished, stale, of mixed or unknown code."""

import shlex

from mmprolong.config.overrides import key_of
from mmprolong.reporting.sources.origins import machines, mixed_code, packages_by_stage
from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.cells import PARTIAL, STALE
from mmprolong.reporting.tables.table import Cell
from mmprolong.sweep.commands import sweep_command

_SHOWN = 3
"""Kinds of machines that are named."""
_ELSEWHERE = ("ablation", "cluster", "tracking", "paths")
"""Overrides that say which ablation, or where and how its steps run: not what they are."""


def progress(runs: Runs | None) -> str:
    """' (9 of 13 runs)' while a sweep that has results is not finished; else empty."""
    if runs is None or not runs.results:
        return ""
    finished = sum(len(runs.of(label)) for label in runs.plan.labels)
    planned = sum(runs.planned(label) for label in runs.plan.labels)
    return f" ({finished} of {planned} runs)" if finished < planned else ""


def provenance_cells(runs: Runs | None, label: str) -> list[Cell]:
    """The cells of `provenance_columns`."""
    if runs is None or label not in runs.plan.labels:
        return [Cell() for _ in range(5)]
    found = runs.of(label)
    finished, planned = len(found), runs.planned(label)
    marks = [word for word, on in (("partial", finished < planned), ("stale", label in runs.stale)) if on]
    scorers = sorted({score.scorer for result in found for score in result.scores})
    return [
        Cell(text=str(finished), value=finished),
        Cell(text=str(planned), value=planned),
        Cell(text=" ".join(marks)),
        Cell(text=" ".join(scorers)) if scorers else Cell(),
        Cell(text=" ".join(_commits(runs, label)) or "unknown") if found else Cell(),
    ]


def trust_notes(runs: Runs) -> list[str]:
    """Notes on what was typed, missing seeds, stale rows, code, packages and machines; none where all is well."""
    steps, origins = runs.behind(), runs.origins
    notes = [*launched_with(runs), *_partial(runs), *_stale(runs), *runs.remarks]
    notes += [f"Mixed code, as told: {each}." for each in mixed_code(steps, origins)]
    notes += _scorers(runs)
    for stage, packages in packages_by_stage(steps, origins).items():
        versions = ", ".join(f"{name} {' and '.join(each)}" for name, each in packages.items())
        notes.append(f"Steps of {stage} ran with other packages: {versions}; their last digits may differ.")
    kinds = machines(steps, origins)
    if len(kinds) > 1:
        more = f" and {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
        notes.append(f"{len(kinds)} kinds of machines: {'; '.join(kinds[:_SHOWN])}{more}.")
    unknown = {step: stage for step, stage in steps.items() if step not in origins or not origins[step].code}
    if unknown:
        stages = ", ".join(dict.fromkeys(unknown.values()))
        notes.append(f"Code unknown of {len(unknown)} of {len(steps)} steps ({stages}): not recorded, or gone.")
    return notes


def launched_with(runs: Runs | None) -> list[str]:
    """A note on the overrides that make the runs others than the ablation's file says; none if there are none."""
    overrides = runs.plan.overrides if runs else ()
    typed = [text for text in overrides if key_of(text).partition(".")[0] not in _ELSEWHERE]
    return [f"Launched with {shlex.join(typed)}: not as the ablation's file stands."] if typed else []


def _scorers(runs: Runs) -> list[str]:
    found = {
        label: {score.scorer for result in runs.of(label) for score in result.scores} for label in runs.plan.labels
    }
    if len(set().union(*found.values())) < 2:
        return []
    told = "; ".join(f"{label}: {', '.join(sorted(names))}" for label, names in found.items() if names)
    return [f"Mixed scorers, as told: {told}."]


def _partial(runs: Runs) -> list[str]:
    missing = [point.name for point in runs.missing]
    if not missing:
        return []
    return [f"{PARTIAL} Not final: these numbers are of the finished seeds alone. Missing: {', '.join(missing)}."]


def _stale(runs: Runs) -> list[str]:
    if not runs.stale:
        return []
    command = sweep_command(runs.plan, runs.store)
    rows = ", ".join(label for label in runs.plan.labels if label in runs.stale)
    return [f"{STALE} ({rows}): the settings or a stage have changed since these runs; refresh: {command}"]


def _commits(runs: Runs, label: str) -> list[str]:
    found = (runs.origins.get(step) for step in runs.behind([label]))
    return sorted({origin.commit for origin in found if origin and origin.commit})
