"""Tokens of long-context training: a control that neither paper ran at small budgets."""

from itertools import pairwise

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.counts import trained_on_columns
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

SCHEDULE = "Each budget has its own warm-up and decay: a row is no point on the way of a longer one."


def build(runs: Runs, published: Published) -> Table:
    """Rows: budgets, smallest first, each also compared with the one before."""
    steps = {label: Against(row=before) for before, label in pairwise(runs.plan.labels)}
    contrasts = (Contrast(key="step", title="Δ row above", pairs=steps),)
    title, more = "Tokens of long-context training", trained_on_columns(runs)
    return ablation_table(runs, title, contrasts=contrasts, more=more, notes=[SCHEDULE])
