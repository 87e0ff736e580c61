"""Ablations of which only differences are known (OriOn, second-hand)."""

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.marks import trust_notes
from mmprolong.reporting.tables.papers import ORION, orion
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.side_by_side import Row, side_by_side
from mmprolong.reporting.tables.table import Table


def build(runs: Runs | None = None, published: Published | None = None) -> Table:
    """Rows: changes. Ours are differences of an arm of that label to the plan's baseline."""
    paper = published.rows("orion_partial_ablations") if published else []
    return side_by_side(
        name="orion_partial_ablations",
        title="Partial ablations",
        source=f"{ORION}, differences quoted in reviews",
        keys=["ablation", "change", "metric"],
        columns=["delta"],
        published=paper,
        ours=_ours(runs) if runs else [],
        notes=trust_notes(runs) if runs else [],
    )


def _ours(runs: Runs) -> list[Row]:
    rows: list[Row] = []
    for label in runs.plan.labels:
        for measure in orion():
            one, other = ([measure.of(result) for result in runs.of(arm)] for arm in (label, runs.plan.baseline))
            values, base = ([value for value in side if value is not None] for side in (one, other))
            if label != runs.plan.baseline and values and base:
                delta = round(sum(values) / len(values) - sum(base) / len(base), 1)
                rows.append({"ablation": runs.plan.ablation, "change": label, "metric": measure.column, "delta": delta})
    return rows
