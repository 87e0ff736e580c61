"""Mistral taught by its own answers (OriOn, section on self-improvement)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Mistral 3.1 Small (24B)"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: what was trained without another teacher, and the model before."""
    base = published.rows("orion_best_checkpoints", {"checkpoint": BASE})
    return comparison_table(
        name="orion_self_improvement",
        title="Self-improvement of Mistral Small 3.1 (24B)",
        source=f"{ORION}, section on self-improvement (second-hand)",
        key="checkpoint",
        headline="VA",
        rows=[*published.rows("orion_self_improvement"), *base],
        baseline=BASE,
        measures=orion("VA", "MMLBD-C", "HELMET"),
        runs=runs,
    )
