"""Which distribution of instance lengths trains best (MMProLong, table on length distributions)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

ROWS = {"pool_native": "pool-native", "long_biased": "long-biased"}
"""Our label -> `dist` of the published rows; the paper prints one row a task and we show their mean."""


def build(runs: Runs, published: Published) -> Table:
    """Rows: distributions. The paper has two of ours."""
    return ablation_table(runs, "Length distribution", _paper(published))


def _paper(published: Published) -> dict[str, dict[str, float]]:
    base = published.mean("mmprolong_vqa_vs_ocr", {"training data": "Qwen2.5-VL-7B"})
    rows = {label: published.mean("mmprolong_length_distribution", {"dist": name}) for label, name in ROWS.items()}
    return {"base": base, **rows}
