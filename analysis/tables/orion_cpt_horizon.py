"""How many tokens of continued pre-training (OriOn, Table 1)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import ORION, orion
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASES = ("Mistral 3.1 Small (24B)", "Qwen3 VL 32B")
"""Rows of Table 6: the models before."""


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: horizons, and the models before."""
    rows = published.rows("orion_cpt_token_horizon")
    bases = [row for name in BASES for row in published.rows("orion_best_checkpoints", {"checkpoint": name})]
    return comparison_table(
        name="orion_cpt_horizon",
        title="Tokens of continued pre-training",
        source=f"{ORION}, Table 1",
        key="checkpoint",
        headline="VA",
        rows=[*rows, *bases],
        against={row["checkpoint"]: BASES["Qwen" in row["checkpoint"]] for row in rows},
        notes=("The paper's own Δ VA is 0.4 less for Mistral: its Table 6 lists the base 0.4 lower than Table 1.",),
        measures=orion(),
        runs=runs,
    )
