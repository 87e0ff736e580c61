"""Tokens of long-context training: a control that neither paper ran at small budgets."""

from dataclasses import replace
from itertools import pairwise

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.ablation_table import ablation_table
from mmprolong.reporting.tables.extra_columns import with_training
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.table import Table

SCHEDULE = "Each budget has its own warm-up and decay: a row is no point on the way of a longer one."


def build(runs: Runs, published: Published | None = None) -> Table:
    """Rows: budgets, smallest first, each also compared with the one before."""
    steps = {label: Against(row=before) for before, label in pairwise(runs.plan.labels)}
    contrasts = (Contrast(key="step", title="Δ row above", pairs=steps),)
    table = with_training(ablation_table(runs, "Tokens of long-context training", contrasts=contrasts), runs)
    return replace(table, notes=(*table.notes, SCHEDULE))
