"""OCRBench: text in images, ten categories."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet
from mmprolong.evaluation.benchmarks._vlmevalkit import TableBenchmark, TableQuestion, TsvRow, short_question
from mmprolong.images.table_images import listed
from mmprolong.plugins import Choice
from mmprolong.records import Gold


@dataclass(frozen=True)
class OCRBench(TableBenchmark):
    """All questions; golds are a list as Python writes it, the gold's format is the category.

    The official score is 1000 times the mean over its 1000 questions.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (OCRBench).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "ocrbench_vlmevalkit"
    data: ClassVar[DataSet] = DataSet("OCRBench", "MIT", "https://github.com/Yuliang-Liu/MultimodalOCR")
    table: ClassVar[str] = "OCRBench"

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a question for few words."""
        answer = row.cells["answer"]
        if not (answer.startswith("[") and listed(answer)):
            raise ValueError(f"answer {answer!r} is no list of answers")
        return short_question(row, Gold(answer, row.cells["category"]))
