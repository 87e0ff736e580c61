"""What a share of short data does to long and to short documents (MMProLong, Table 3 and its companion)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

SHARES = ("0", "20", "40", "60", "80")
"""Our labels are the published `short %`."""
BASE = "Qwen2.5-VL-7B"


def build(runs: Runs, published: Published) -> Table:
    """Rows: shares of short data [%]. Our short score is the accuracy at the native window, 1x."""
    return ablation_table(runs, "Share of short data", _paper(published))


def _paper(published: Published) -> dict[str, dict[str, float]]:
    long = {share: published.mean("mmprolong_short_ratio_long_score", {"short %": share}) for share in SHARES}
    long["base"] = published.mean("mmprolong_vqa_vs_ocr", {"training data": BASE})
    return {label: scores | _short(published, label) for label, scores in long.items()}


def _short(published: Published, label: str) -> dict[str, float]:
    row = {"short %": BASE if label == "base" else label}
    return published.mean("mmprolong_short_ratio_short_score", row, {"short score": "avg"})
