"""Questions against transcription as long-context supervision (MMProLong, Table 1)."""

from mmprolong.reporting.results.runs import Runs
from mmprolong.reporting.tables.model import Table
from mmprolong.reporting.tables.published import Published
from mmprolong.reporting.tables.results import ablation_table

ROWS = {
    "base": "Qwen2.5-VL-7B",
    "extract_single": "extract-single",
    "extract_multi": "extract-multi",
    "reasoning": "reasoning",
    "ocr_full": "OCR-full",
    "ocr_needle": "OCR-needle",
    "ocr_full_sft": "OCR-full + SFT (5B more)",
    "ocr_needle_sft": "OCR-needle + SFT (5B more)",
}
"""Our label -> `training data` of the published row."""


def build(runs: Runs, published: Published) -> Table:
    """Rows: kinds of supervision, against the model before training."""
    return ablation_table(runs, "Long-context supervision", _paper(published))


def _paper(published: Published) -> dict[str, dict[str, float]]:
    return {label: published.mean("mmprolong_vqa_vs_ocr", {"training data": name}) for label, name in ROWS.items()}
