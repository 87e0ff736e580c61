"""Runs against the ablation of today: stale rows, rows never launched, edits without a new version."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mmprolong.errors import MMProLongError
from mmprolong.reporting.results.edits import edits_since
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.store import read_store
from mmprolong.store.store import Store
from mmprolong.sweep.plan import plan_again


def read_marked(store: Path, ablation: str) -> Runs:
    """Read the runs of an ablation from the store, and mark the stale rows."""
    return mark_stale(read_store(store, ablation), store)


def mark_stale(runs: Runs, store: Path) -> Runs:
    """Mark the rows whose runs are others than the ablation's file, its overrides and the stages' versions give today.

    The plan is made anew from the overrides with which it was launched, and compared id by id. Where that cannot be
    done, a remark says why, and rows that a file of results has marked stay marked.

    Args:
        runs: read from wherever.
        store: keeps the digests of pools; it need not be there.
    """
    try:
        with TemporaryDirectory() as none:
            today, _ = plan_again(runs.plan, store if store.is_dir() else Path(none))
    except MMProLongError as error:
        reason = str(error).partition("\n")[0]
        return replace(runs, remarks=(f"Not known whether rows are stale: {reason}.",))
    fresh = {point.name: point.scores for point in today.points}
    launched = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in launched.items() if fresh.get(name) != point.scores}
    stale = tuple(label for label in runs.plan.labels if label in changed and runs.of(label))
    new = [name for name in fresh if name not in launched]
    remarks = (f"In the ablation file but not launched: {', '.join(new)}.",) if new else ()
    edited = edits_since(Store(runs.store), today, runs.steps()) if runs.store else runs.edited
    return replace(runs, stale=stale, edited=edited, remarks=remarks)
