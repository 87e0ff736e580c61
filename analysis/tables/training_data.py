"""How many long instances, and how long (MMProLong, appendix table on training data)."""

from mmprolong.reporting.sources.runs import Runs
from mmprolong.reporting.tables.data_statistics import Spread, trained_on
from mmprolong.reporting.tables.marks import launched_with
from mmprolong.reporting.tables.papers import MMPROLONG
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.side_by_side import Row, side_by_side
from mmprolong.reporting.tables.table import Table

COLUMNS = ["samples", "mean pages", "mean tokens (K)", "total tokens (B)", "page range", "token range (K)"]


def build(runs: Runs | None = None, published: Published | None = None) -> Table:
    """Rows: sets and tasks. Ours are the instances that an arm's first seed was trained on."""
    return side_by_side(
        name="training_data",
        title="Training data",
        source=f"{MMPROLONG}, appendix table long_context_training_data_stats",
        keys=["set", "task"],
        columns=COLUMNS,
        published=published.rows("mmprolong_training_data") if published else [],
        ours=_ours(runs) if runs else [],
        notes=[
            *launched_with(runs),
            "K and B are powers of ten: only so do the paper's samples times means give its totals.",
        ],
    )


def _ours(runs: Runs) -> list[Row]:
    return [
        {"set": label.replace("_", "-"), "task": task.replace("_", "-"), **_row(spread)}
        for label, spreads in trained_on(runs).items()
        for task, spread in spreads.items()
    ]


def _row(spread: Spread) -> dict[str, float | str]:
    low, high = (round(end(spread.tokens) / 1e3, 1) for end in (min, max))
    return {
        "samples": len(spread.pages),
        "mean pages": round(spread.mean_pages, 1),
        "mean tokens (K)": spread.mean_tokens / 1e3,
        "total tokens (B)": sum(spread.tokens) / 1e9,
        "page range": f"[{min(spread.pages)},{max(spread.pages)}]",
        "token range (K)": f"[{low},{high}]",
    }
