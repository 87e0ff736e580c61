"""Rows whose runs are not those that the ablation would plan today."""

from dataclasses import replace
from pathlib import Path

from mmprolong.errors import MMProLongError
from mmprolong.reporting.sources.runs import Runs, read_store
from mmprolong.sweep.plan import plan_again


def read_marked(store: Path, ablation: str, mixed_code: bool = False) -> Runs:
    """The runs of `read_store`, and which of them are stale."""
    return with_stale(read_store(store, ablation, mixed_code), store)


def with_stale(runs: Runs, store: Path) -> Runs:
    """`runs` of `store` with the rows marked that the file, the overrides or the stages' versions no longer stand for.

    The plan is made anew from the overrides with which it was launched, and compared id by id. Where that cannot be
    done, a remark says why.
    """
    try:
        today, _ = plan_again(runs.plan, store)
    except MMProLongError as error:
        reason = str(error).partition("\n")[0]
        return _remark(runs, f"Not known whether rows are stale: {reason}")
    fresh = {point.name: point.steps["score"] for point in today.points}
    held = {point.name: point for point in runs.plan.points}
    changed = {point.label for name, point in held.items() if fresh.get(name) != point.steps["score"]}
    runs = replace(runs, stale=frozenset(label for label in changed if runs.of(label)))
    new = [name for name in fresh if name not in held]
    return _remark(runs, f"In the ablation file but not launched: {', '.join(new)}.") if new else runs


def _remark(runs: Runs, text: str) -> Runs:
    return replace(runs, remarks=(*runs.remarks, text))
