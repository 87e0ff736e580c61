"""What a share of short data does to short contexts (MMProLong, Table 3)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import MMPROLONG, SHORT, columns_by_place
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen2.5-VL-7B"
OURS = "base"
"""Our label of it in the ablation of shares."""


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: shares of short data [%], and the model before training."""
    base = OURS if runs and OURS in runs.plan.labels else BASE
    return comparison_table(
        name="short_context",
        title="Share of short data, short contexts",
        source=f"{MMPROLONG}, Table 3",
        key="short %",
        headline="avg",
        rows=published.rows("mmprolong_short_ratio_short_score"),
        baseline=base,
        names={BASE: base},
        measures=columns_by_place(SHORT, "avg", "short_context"),
        runs=runs,
    )
