"""Runs against what the ablation stands for today: stale rows, edited code and defaults, and runs never launched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.run import edited_defaults
from mmprolong.reporting.results.origins import shortened
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.settings.stages import STAGES
from mmprolong.store.code_digest import code_of
from mmprolong.store.store import Store
from mmprolong.sweep.ablation import read_ablation
from mmprolong.sweep.plan import plan_again


def read_marked(store: Path, ablation: str) -> Runs:
    """Read as `read_store`, and mark the stale rows."""
    return with_stale(read_store(store, ablation), store)


def with_stale(runs: Runs, store: Path) -> Runs:
    """Mark the rows that the ablation's file, its overrides or the stages' versions no longer stand for.

    The plan is made anew from the overrides with which it was launched, and compared id by id. Where that cannot be
    done, a remark says why, and what a file of results has marked stays marked.

    Args:
        runs: read from wherever.
        store: keeps the digests of pools; it need not be there.
    """
    edited = tuple(_edited(runs))
    try:
        today = _planned_today(runs.plan, store)
    except MMProLongError as error:
        rows = "other rows" if runs.stale else "rows"
        reason = str(error).partition("\n")[0]
        return replace(runs, remarks=(f"Not known whether {rows} are stale: {reason}.", *edited))
    fresh = {point.name: point.scores for point in today.points}
    held = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in held.items() if fresh.get(name) != point.scores}
    new = [name for name in fresh if name not in held]
    remarks = (f"In the ablation file but not launched: {', '.join(new)}.",) if new else ()
    return replace(runs, stale=frozenset(label for label in changed if runs.of(label)), remarks=remarks + edited)


def unlaunched(ablation: str) -> Runs:
    """Return an ablation file as a plan of which nothing has run.

    Raises:
        ConfigError: there is no such ablation, or its file is wrong.
    """
    spec = read_ablation(ablation)
    known = {"suite": {}, "phases": {}}
    points = tuple(
        Point(label=label, seed=seed, config=known, steps={"score.any": f"{label}-s{seed}"})
        for label in spec.arms
        for seed in spec.seeds
    )
    plan = Plan(
        ablation=spec.name,
        question=spec.question,
        source=spec.source,
        baseline=spec.baseline,
        published=spec.published,
        table=spec.table,
        points=points,
    )
    return Runs(plan=plan)


def _planned_today(plan: Plan, store: Path) -> Plan:
    """Plan again; without a store nothing is kept."""
    if store.is_dir():
        return plan_again(plan, store)[0]
    with TemporaryDirectory() as folder:
        return plan_again(plan, Path(folder))[0]


def _edited(runs: Runs) -> Iterator[str]:
    """Yield what was edited since the runs without a new version, so that their ids do not tell it."""
    files: set[str] = set()
    for step, stage in runs.behind().items():
        then, now = runs.origins[step].code if step in runs.origins else {}, code_of(STAGES[stage].module)
        files |= {name for name in then.keys() & now.keys() if then[name] != now[name]}
    if files:
        yield f"Edited since these runs, of the same versions: {shortened(files)}. Their numbers are of the old code."
    if runs.store:
        behind = runs.behind()
        steps = [step for name, step in runs.plan.steps.items() if name in behind]
        yield from (f"{line}." for line in edited_defaults(Store(runs.store), steps))
