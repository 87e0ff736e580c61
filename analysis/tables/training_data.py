"""How many long instances, and how long (MMProLong, appendix table on training data)."""

from collections.abc import Sequence
from statistics import fmean

from mmprolong.records import Measured
from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import trained_on
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import MMPROLONG
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published

TOTAL = "total"
COLUMNS = ["samples", "mean pages", "mean tokens (K)", "total tokens (B)", "page range", "token range (K)"]


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: sets and tasks. Ours are the examples that an arm's first seed was trained on."""
    return count_table(
        name="training_data",
        title="Training data",
        runs=runs,
        source=f"{MMPROLONG}, appendix table long_context_training_data_stats",
        keys=["set", "task"],
        columns=COLUMNS,
        published=published.rows("mmprolong_training_data"),
        ours=_ours(runs) if runs else [],
        notes=["K and B are powers of ten: only so do the paper's samples times means give its totals."],
    )


def _ours(runs: Runs) -> list[Row]:
    rows: list[Row] = []
    for label, examples in trained_on(runs).items():
        for task in [*sorted({one.task for one in examples}), TOTAL]:
            chosen = [one for one in examples if task in (one.task, TOTAL)]
            rows.append({"set": label.replace("_", "-"), "task": task.replace("_", "-"), **_row(chosen)})
    return rows


def _row(examples: Sequence[Measured]) -> dict[str, float | str]:
    pages, tokens = [one.images for one in examples], [one.tokens for one in examples]
    low, high = (round(end(tokens) / 1e3, 1) for end in (min, max))
    return {
        "samples": len(examples),
        "mean pages": round(fmean(pages), 1),
        "mean tokens (K)": fmean(tokens) / 1e3,
        "total tokens (B)": sum(tokens) / 1e9,
        "page range": f"[{min(pages)},{max(pages)}]",
        "token range (K)": f"[{low},{high}]",
    }
