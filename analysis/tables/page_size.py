"""Tokens a page: a control that neither paper ran."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.counts import trained_on_columns
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

BASES = ("28 px base", "56 px base", "84 px base")
NOTES = (
    "28, 56 and 84 px are 1, 4 and 9 visual tokens a page; 1x is 8 pages at every size.",
    "Every size has bases of its own, one a seed, and intervals cover their choice. The questions are the same.",
    "The stamp has 28 px at every size: what differs is what a page costs, not how well it can be read.",
)


def build(runs: Runs, published: Published) -> Table:
    """Rows: sizes, each before training and after it, also compared with its own bases."""
    own = {label: Against(row=base) for base in BASES for label in runs.plan.labels if _trained(label, base)}
    contrasts = (Contrast(key="own_base", title="Δ its own base", pairs=own),)
    return ablation_table(runs, "Tokens a page", contrasts=contrasts, more=trained_on_columns(runs), notes=NOTES)


def _trained(label: str, base: str) -> bool:
    return label != base and label.startswith(base.removesuffix("base").strip())
