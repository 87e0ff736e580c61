"""Tokens of continued pre-training by task (OriOn, section on data)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import ArmMixture, arm_mixtures
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import ORION
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: tasks. Ours are the mixtures of the baseline's phases, in tokens; the paper's are billions."""
    own = _baseline(runs) if runs else []
    stages = ["short stage (B)", "long stage (B)", "total (B)"]
    return count_table(
        name="orion_cpt_budget",
        title="Tokens of continued pre-training by task",
        runs=runs,
        source=f"{ORION}, section on continued pre-training (second-hand)",
        keys=["task"],
        columns=[*stages, *(f"{mixture.phase} [tokens]" for mixture in own)],
        published=published.rows("orion_cpt_token_budget"),
        ours=_ours(own),
    )


def _baseline(runs: Runs) -> list[ArmMixture]:
    found = arm_mixtures(runs.store, runs.plan) if runs.store else []
    return [mixture for mixture in found if mixture.label == runs.plan.baseline]


def _ours(mixtures: list[ArmMixture]) -> list[Row]:
    tasks = sorted({task for mixture in mixtures for task in mixture.tokens})
    return [{"task": task, **{f"{one.phase} [tokens]": one.tokens.get(task, 0) for one in mixtures}} for task in tasks]
