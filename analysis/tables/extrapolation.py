"""Lengths that were not trained: 256K and 512K (MMProLong, Table 5)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import DOCUMENTS, JUDGED, MMPROLONG, columns_by_length
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models, none of them changed for these lengths."""
    return comparison_table(
        name="extrapolation",
        title="Long documents at 256K and 512K, trained up to 128K",
        source=f"{MMPROLONG}, Table 5",
        key="model",
        rows=published.rows("mmprolong_extrapolation"),
        baseline=BASE,
        notes=(
            "The paper pads with random documents; some models fail on 512K SlideVQA for the number of images.",
            JUDGED,
        ),
        measures=columns_by_length(DOCUMENTS, ["256K", "512K"], suite="extrapolation"),
        runs=runs,
    )
