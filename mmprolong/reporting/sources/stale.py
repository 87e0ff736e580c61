"""Rows whose runs are not those that the ablation would plan today."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan
from mmprolong.reporting.sources.runs import Runs, read_store
from mmprolong.sweep.plan import plan_again


def read_marked(store: Path, ablation: str, mixed_code: bool = False) -> Runs:
    """The runs of `read_store`, and which of them are stale."""
    return with_stale(read_store(store, ablation, mixed_code), store)


def with_stale(runs: Runs, store: Path) -> Runs:
    """`runs`, read from wherever, with the rows marked that file, overrides or stages' versions no longer stand for.

    The plan is made anew from the overrides with which it was launched, and compared id by id. Where that cannot be
    done, a remark says why, and what a snapshot has marked stays marked.

    Args:
        store: keeps the digests of pools; it need not be there.
    """
    try:
        today = _today(runs.plan, store)
    except MMProLongError as error:
        rows = "other rows" if runs.stale else "rows"
        reason = str(error).partition("\n")[0]
        return replace(runs, remarks=(f"Not known whether {rows} are stale: {reason}",))
    fresh = {point.name: point.scores for point in today.points}
    held = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in held.items() if fresh.get(name) != point.scores}
    new = [name for name in fresh if name not in held]
    remarks = (f"In the ablation file but not launched: {', '.join(new)}.",) if new else ()
    return replace(runs, stale=frozenset(label for label in changed if runs.of(label)), remarks=remarks)


def _today(plan: Plan, store: Path) -> Plan:
    """What would be planned today; without a store nothing is kept."""
    if store.is_dir():
        return plan_again(plan, store)[0]
    with TemporaryDirectory() as folder:
        return plan_again(plan, Path(folder))[0]
