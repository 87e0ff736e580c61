"""How many pages an instance has (OriOn, table of length statistics)."""

from statistics import fmean, median

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.results.training import trained_on
from mmprolong.reporting.tables.counts import Row, count_table
from mmprolong.reporting.tables.metrics import ORION
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: data sets. Ours are the examples that an arm's first seed was trained on, one image a page."""
    return count_table(
        name="orion_length_statistics",
        title="Lengths of training instances",
        runs=runs,
        source=f"{ORION}, table of length statistics (second-hand)",
        keys=["dataset", "unit"],
        columns=["mean", "median", "max", "N"],
        published=published.rows("orion_length_statistics"),
        ours=_ours(runs) if runs else [],
    )


def _ours(runs: Runs) -> list[Row]:
    found = {label: [one.images for one in examples] for label, examples in trained_on(runs).items()}
    return [
        {
            "dataset": label,
            "unit": "images",
            "mean": round(fmean(pages), 1),
            "median": median(pages),
            "max": max(pages),
            "N": len(pages),
        }
        for label, pages in found.items()
    ]
