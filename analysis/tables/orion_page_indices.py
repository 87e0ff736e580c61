"""Page numbers before the pages, in training and in evaluation (OriOn, Table 5)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

KEY = "train idx / eval idx"
AGAINST = {"yes / yes": "no / no", "no (pair 2) / yes": "no (pair 2) / no"}


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: where page indices are shown; the second pair is another checkpoint."""
    rows = published.rows("orion_page_indices")
    rows = [row | {KEY: f"{row['train idx']} / {row['eval idx']}"} for row in rows]
    return comparison_table(
        name="orion_page_indices",
        title="Page indices",
        source=f"{ORION}, Table 5",
        key=KEY,
        headline="VA",
        rows=rows,
        against=AGAINST,
        measures=orion(),
        runs=runs,
    )
