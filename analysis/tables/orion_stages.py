"""The short stage alone against short and long (OriOn, Table 4)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: checkpoints in pairs; the short stage is compared with its continuation, as the paper does."""
    rows = published.rows("orion_short_vs_long_stage")
    names = [row["checkpoint"] for row in rows]
    return comparison_table(
        name="orion_stages",
        title="Short stage against short and long",
        source=f"{ORION}, Table 4",
        key="checkpoint",
        headline="VA",
        rows=rows,
        against={name: f"{name}+long" for name in names if f"{name}+long" in names},
        measures=orion(),
        runs=runs,
    )
