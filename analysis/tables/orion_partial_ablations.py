"""Ablations of which only differences are known (OriOn, second-hand)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import estimates
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.notes import trust_notes
from mmprolong.reporting.tables.published import Published


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: changes. Ours are differences of an arm of that label to the plan's baseline."""
    return count_table(
        name="orion_partial_ablations",
        title="Partial ablations",
        runs=runs,
        source=f"{ORION}, differences quoted in reviews",
        keys=["ablation", "change", "metric"],
        columns=["delta"],
        published=published.rows("orion_partial_ablations"),
        ours=_ours(runs) if runs else [],
        notes=list(trust_notes(runs)) if runs else [],
    )


def _ours(runs: Runs) -> list[Row]:
    rows: list[Row] = []
    for measure in orion():
        means, baseline = estimates(runs, measure.average(runs.cells, runs.plugins)), runs.plan.baseline
        for label in means.keys() - {baseline} if baseline in means else ():
            delta = round(100 * (means[label].value - means[baseline].value), 1)
            rows.append({"ablation": runs.plan.ablation, "change": label, "metric": measure.column, "delta": delta})
    return sorted(rows, key=lambda row: runs.plan.labels.index(str(row["change"])))
