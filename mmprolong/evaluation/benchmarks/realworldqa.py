"""RealWorldQA: multiple choice on photographs taken from cars and elsewhere."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet
from mmprolong.evaluation.benchmarks._vlmevalkit import TableBenchmark, TableQuestion, TsvRow, choice_question
from mmprolong.plugins import Choice


@dataclass(frozen=True)
class RealWorldQA(TableBenchmark):
    """All questions.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mcq_vlmevalkit"
    data: ClassVar[DataSet] = DataSet(
        "RealWorldQA", "CC-BY-ND-4.0", "https://huggingface.co/datasets/xai-org/RealworldQA"
    )
    table: ClassVar[str] = "RealWorldQA"

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a multiple-choice question."""
        return choice_question(row)
