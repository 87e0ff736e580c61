"""Transfer to long video (MMProLong, appendix table on video)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.metrics import FILMS, MMPROLONG, columns_by_place
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import comparison_table

BASE = "Qwen2.5-VL-7B"


def build(runs: Runs | None, published: Published) -> Table:
    """Rows: models. The paper prints no mean; differences are shown on Video-MME."""
    return comparison_table(
        name="long_video",
        title="Long video",
        source=f"{MMPROLONG}, appendix table generalization_video",
        key="model",
        headline="Video-MME",
        rows=published.rows("mmprolong_long_video"),
        baseline=BASE,
        notes=("1 frame a second, at most 768 frames and 24,576 video tokens.",),
        measures=columns_by_place(FILMS, "", "long_video"),
        runs=runs,
    )
