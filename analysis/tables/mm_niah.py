"""Multimodal needles at 64K and 128K (MMProLong, appendix table on MM-NIAH)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import MMPROLONG, NEEDLES, columns_by_length
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models; text and image needles are averaged within each kind of question."""
    return comparison_table(
        name="mm_niah",
        title="MM-NIAH at 64K and 128K",
        source=f"{MMPROLONG}, appendix table generalization_niah",
        key="model",
        headline="mean",
        rows=published.rows("mmprolong_mm_niah"),
        baseline=BASE,
        measures=columns_by_length(NEEDLES, ["64K", "128K"], "mean"),
        runs=runs,
    )
