"""The recipe on another backbone, needles (MMProLong, appendix table on Qwen3-VL)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import MMPROLONG, NEEDLES, columns_by_length
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen3-VL-8B"
NAMES = {f"{name}, MM-NIAH": name for name in (BASE, "+ MMProLong recipe")}


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: Qwen3-VL-8B before and after."""
    return comparison_table(
        name="qwen3_mm_niah",
        title="Qwen3-VL-8B on MM-NIAH",
        source=f"{MMPROLONG}, appendix table qwen3_backbone",
        key="model",
        rows=published.rows("mmprolong_qwen3_mm_niah"),
        baseline=BASE,
        names=NAMES,
        measures=columns_by_length(NEEDLES, ["64K", "128K"]),
        runs=runs,
    )
