"""The rotary base with and without training: a control that neither paper ran."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

SAME_BASE = {
    "rope x1 / LongPT": Against(row="rope x1 / untrained"),
    "rope x4 / LongPT": Against(row="rope x4 / untrained"),
}
SAME_TRAINING = {
    "rope x4 / untrained": Against(row="rope x1 / untrained"),
    "rope x4 / LongPT": Against(row="rope x1 / LongPT"),
}


def build(runs: Runs, published: Published) -> Table:
    """Rows: both bases, untrained and trained. What training adds at each base, and what the base adds to each."""
    contrasts = (
        Contrast(key="training", title="Δ training", pairs=SAME_BASE),
        Contrast(key="base", title="Δ base", pairs=SAME_TRAINING),
    )
    return ablation_table(runs, "Rotary base against training data", contrasts=contrasts)
