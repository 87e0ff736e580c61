"""How many long instances, and how long (MMProLong, appendix table on training data)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import Lengths, trained_on
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import MMPROLONG
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.notes import launched_with
from mmprolong.reporting.tables.published import Published

COLUMNS = ["samples", "mean pages", "mean tokens (K)", "total tokens (B)", "page range", "token range (K)"]


def build(runs: Runs | None = None, published: Published | None = None) -> Table:
    """Rows: sets and tasks. Ours are the examples that an arm's first seed was trained on."""
    return count_table(
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
        {"set": label.replace("_", "-"), "task": task.replace("_", "-"), **_row(lengths)}
        for label, by_task in trained_on(runs).items()
        for task, lengths in by_task.items()
    ]


def _row(lengths: Lengths) -> dict[str, float | str]:
    low, high = (round(end(lengths.tokens) / 1e3, 1) for end in (min, max))
    return {
        "samples": len(lengths.pages),
        "mean pages": round(lengths.mean_pages, 1),
        "mean tokens (K)": lengths.mean_tokens / 1e3,
        "total tokens (B)": sum(lengths.tokens) / 1e9,
        "page range": f"[{min(lengths.pages)},{max(lengths.pages)}]",
        "token range (K)": f"[{low},{high}]",
    }
