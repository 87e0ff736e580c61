"""The recipe on another backbone, long documents (MMProLong, appendix table on Qwen3-VL)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import DOCUMENTS, JUDGED, MMPROLONG, columns_by_length
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen3-VL-8B"
TASKS = {name: DOCUMENTS[name] for name in ("LongDocURL", "SlideVQA")}
"""The paper leaves MMLongBench-Doc out here."""


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: Qwen3-VL-8B before and after."""
    return comparison_table(
        name="qwen3_doc_vqa",
        title="Qwen3-VL-8B on long documents",
        source=f"{MMPROLONG}, appendix table qwen3_backbone",
        key="model",
        rows=published.rows("mmprolong_qwen3_doc_vqa"),
        baseline=BASE,
        notes=(JUDGED,),
        measures=columns_by_length(TASKS, ["64K", "128K"]),
        runs=runs,
    )
