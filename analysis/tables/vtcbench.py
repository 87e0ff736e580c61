"""Text rendered as pages: VTCBench-Wild (MMProLong, appendix table on VTCBench)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ANY, MMPROLONG, Measure, columns_by_task
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

TASKS = {"retrieval": "vtcbench_retrieval", "reasoning": "vtcbench_reasoning", "memory": "vtcbench_memory"}
QUESTIONS = {"retrieval": 800, "reasoning": 800, "memory": 600}
"""What the mean is weighted by."""
BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models."""
    total = sum(QUESTIONS.values())
    mean = {(task, ANY): QUESTIONS[name] / total for name, task in TASKS.items()}
    return comparison_table(
        name="vtcbench",
        title="VTCBench-Wild",
        source=f"{MMPROLONG}, appendix table generalization_vtc",
        key="model",
        headline="AVG",
        rows=published.rows("mmprolong_vtcbench"),
        baseline=BASE,
        measures=[*columns_by_task(TASKS), Measure(column="AVG", parts=mean)],
        runs=runs,
    )
