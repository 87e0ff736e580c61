"""The best checkpoints against their bases and a large model (OriOn, Table 6)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

AGAINST = {
    "LongPO short stage (32B)": "Qwen3 VL 32B",
    "Qwen3 VL plain distillation short stage": "Qwen3 VL 32B",
    "Mistral plain distillation": "Mistral 3.1 Small (24B)",
}


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: checkpoints; each trained one is compared with the model that it began from."""
    return comparison_table(
        name="orion_best_checkpoints",
        title="Best checkpoints",
        source=f"{ORION}, Table 6",
        key="checkpoint",
        headline="VA",
        rows=published.rows("orion_best_checkpoints"),
        against=AGAINST,
        measures=orion(),
        runs=runs,
    )
