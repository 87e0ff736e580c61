"""MathVista, testmini: mathematics on figures, free answers and multiple choice."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet
from mmprolong.evaluation.benchmarks._vlmevalkit import TableBenchmark, TableQuestion, TsvRow, short_question
from mmprolong.plugins import Choice
from mmprolong.records import Gold


@dataclass(frozen=True)
class MathVista(TableBenchmark):
    """All questions of testmini; the gold's format reads 'question_type/answer_type'.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (MathVista).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mathvista_vlmevalkit"
    data: ClassVar[DataSet] = DataSet("MathVista", "CC-BY-SA-4.0", "https://huggingface.co/datasets/AI4Math/MathVista")
    table: ClassVar[str] = "MathVista_MINI"

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a question for few words; its gold holds all that the scorer reads."""
        gold = {key: row.cells.get(key, "") for key in ("answer", "choices", "answer_option")}
        kind = f"{row.cells['question_type']}/{row.cells.get('answer_type', '')}"
        return short_question(row, Gold(gold, kind), kind=row.cells.get("task", ""))
