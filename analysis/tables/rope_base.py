"""How far to raise the rotary base (MMProLong, table on the mRoPE base)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

ROWS = {"2x": "2e6", "4x": "4e6", "8x": "8e6"}
"""Our label, a multiple of the native base 1e6 -> published `base`; the paper has no run with the base unchanged."""


def build(runs: Runs, published: Published) -> Table:
    """Rows: multiples of the native base. The paper prints one row a task and we show their mean."""
    return ablation_table(runs, "Rotary base", _paper(published))


def _paper(published: Published) -> dict[str, dict[str, float]]:
    return {label: published.mean("mmprolong_rope_base", {"base": name}) for label, name in ROWS.items()}
