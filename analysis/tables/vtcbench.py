"""Text rendered as pages: VTCBench-Wild (MMProLong, appendix table on VTCBench)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import MMPROLONG, RENDERED, Measure, columns_by_place
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

QUESTIONS = {"retrieval": 800, "reasoning": 800, "memory": 600}
"""What the mean is weighted by."""
BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models."""
    total = sum(QUESTIONS.values())
    mean = {place: QUESTIONS[name] / total for name, place in RENDERED.items()}
    columns = columns_by_place(RENDERED, "", "vtcbench")
    return comparison_table(
        name="vtcbench",
        title="VTCBench-Wild",
        source=f"{MMPROLONG}, appendix table generalization_vtc",
        key="model",
        headline="AVG",
        rows=published.rows("mmprolong_vtcbench"),
        baseline=BASE,
        notes=("The paper's marks on memory are those of a judge: {name: vtcbench, judged: true}.",),
        measures=[*columns, Measure(column="AVG", parts=mean, suite="vtcbench")],
        runs=runs,
    )
