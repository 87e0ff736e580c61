"""Runs against the ablation as it stands today: stale rows, and rows that were never launched."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.sweep.planning import plan_again


def read_marked(store: Path, ablation: str) -> Runs:
    """Read as `read_store`, and mark the stale rows."""
    return with_stale(read_store(store, ablation), store)


def with_stale(runs: Runs, store: Path) -> Runs:
    """Mark the rows that the ablation's file, its overrides or the stages' versions no longer stand for.

    The plan is made anew from the overrides with which it was launched, and compared id by id. Where that cannot be
    done, a remark says why, and rows that a file of results has marked stay marked.

    Args:
        runs: read from wherever.
        store: keeps the digests of pools; it need not be there.
    """
    try:
        today = _planned_today(runs.plan, store)
    except MMProLongError as error:
        reason = str(error).partition("\n")[0]
        return replace(runs, remarks=(f"Not known whether rows are stale: {reason}.",))
    fresh = {point.name: point.scores for point in today.points}
    held = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in held.items() if fresh.get(name) != point.scores}
    new = [name for name in fresh if name not in held]
    remarks = (f"In the ablation file but not launched: {', '.join(new)}.",) if new else ()
    return replace(runs, stale=frozenset(label for label in changed if runs.of(label)), remarks=remarks)


def _planned_today(plan: Plan, store: Path) -> Plan:
    """Plan again; without a store nothing is kept."""
    if store.is_dir():
        return plan_again(plan, store)[0]
    with TemporaryDirectory() as folder:
        return plan_again(plan, Path(folder))[0]
