"""How much extraction against reasoning (MMProLong, Table 2)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

ROWS = {label: label.replace("_", ":") for label in ("0_10", "2_8", "4_6", "6_4", "8_2", "10_0")}
"""Our label -> `ratio` of the published row, extraction first."""


def build(runs: Runs, published: Published) -> Table:
    """Rows: ratios."""
    return ablation_table(runs, "Extraction : reasoning", _paper(published))


def _paper(published: Published) -> dict[str, dict[str, float]]:
    return {
        label: published.mean("mmprolong_extraction_reasoning_ratio", {"ratio": name}) for label, name in ROWS.items()
    }
