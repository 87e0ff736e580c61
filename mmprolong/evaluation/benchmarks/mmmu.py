"""MMMU: questions of college exams, most of them multiple choice, on one or several images."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks import DataSet
from mmprolong.evaluation.benchmarks._records import Refused
from mmprolong.evaluation.benchmarks._vlmevalkit import (
    TableBenchmark,
    TableQuestion,
    TsvRow,
    choice_text,
    open_as_choice,
)
from mmprolong.plugins import Choice


@dataclass(frozen=True)
class MMMU(TableBenchmark):
    """The validation questions, their images before them; those without options are asked openly.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/vlm/qwen2_vl/prompt.py
    (_build_mmmu_prompt), vlmeval/dataset/utils/multiple_choice.py (MMMU_preproc).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mcq_vlmevalkit"
    data: ClassVar[DataSet] = DataSet("MMMU", "Apache-2.0", "https://huggingface.co/datasets/MMMU/MMMU")
    table: ClassVar[str] = "MMMU_DEV_VAL"

    splits: tuple[Literal["dev", "validation"], ...] = ("validation",)

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a question of the splits that are asked for."""
        if row.cells.get("split") not in self.splits:
            raise Refused("of another split", row.cells.get("split", ""))
        return TableQuestion((*row.images, Text(choice_text(row))), open_as_choice(row), {})
