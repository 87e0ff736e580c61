"""MMMU-Pro: MMMU's questions with ten options."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet
from mmprolong.evaluation.benchmarks._vlmevalkit import (
    TableBenchmark,
    TableQuestion,
    TsvRow,
    choice_text,
    open_as_choice,
    with_marks,
)
from mmprolong.plugins import Choice

_DIRECTLY = "Answer directly with the option letter from the given choices. "


@dataclass(frozen=True)
class MMMUPro(TableBenchmark):
    """The questions with ten options, each image where the text names it.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py (MMMUProDataset).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mcq_vlmevalkit"
    data: ClassVar[DataSet] = DataSet("MMMU-Pro", "Apache-2.0", "https://huggingface.co/datasets/MMMU/MMMU_Pro")
    table: ClassVar[str] = "MMMU_Pro_10c"

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a question without its hint."""
        text = choice_text(row, hint=False, closing=_DIRECTLY)
        return TableQuestion(with_marks(text, row.images), open_as_choice(row), {})
