"""How long training should be for an evaluation of a given length: a control that neither paper ran."""

from itertools import pairwise

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.statistics.contrasts import Against, Contrast
from mmprolong.reporting.tables.counts import trained_on_columns
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

LENGTHS = ("1x", "2x", "4x", "8x", "16x")
"""Longest document of a row, and the lengths of the evaluation."""
MATCHED = {length: Against(row="mixed", lengths=(length,)) for length in LENGTHS}
LONGER = {long: Against(row=short, lengths=(short,)) for short, long in pairwise(LENGTHS)}
TOKENS = "Equal tokens: the longer the documents, the fewer there are, and the fewer questions are trained on."


def build(runs: Runs, published: Published) -> Table:
    """Rows: lengths of training; columns: lengths of evaluation.

    Two contrasts beside the baseline's: a row against mixed lengths where it is evaluated as long as it was trained
    (arXiv 2605.13831 mixes), and against the row of half its length where that one is (arXiv 2602.15257 does not train
    longer than it evaluates, ProLong, arXiv 2410.02660, does).
    """
    contrasts = (
        Contrast(key="matched", title="Δ mixed, at its own length", pairs=MATCHED),
        Contrast(key="longer", title="Δ half as long, at half its length", pairs=LONGER),
    )
    title, more = "Train length against evaluation length", trained_on_columns(runs)
    return ablation_table(runs, title, contrasts=contrasts, more=more, intervals=True, notes=[TOKENS])
