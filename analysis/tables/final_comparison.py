"""The trained model against others on long documents (MMProLong, Table 4)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import DOCUMENTS, JUDGED, MMPROLONG, columns_by_length
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models; where a cell is N/A the paper's means are over the others."""
    return comparison_table(
        name="final_comparison",
        title="Long documents at 64K and 128K",
        source=f"{MMPROLONG}, Table 4",
        key="model",
        rows=published.rows("mmprolong_final_comparison"),
        baseline=BASE,
        names={"MMProLong (7B)": "MMProLong"},
        notes=(JUDGED,),
        measures=columns_by_length(DOCUMENTS, ["64K", "128K"]),
        runs=runs,
    )
