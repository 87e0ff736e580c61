"""MathVista, testmini: mathematics on figures, free answers and multiple choice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import SHORTLY, TsvRow, short_sample, tsv_samples
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("MathVista", "CC-BY-SA-4.0", "https://huggingface.co/datasets/AI4Math/MathVista")


@dataclass(frozen=True)
class MathVista:
    """All questions of testmini; the gold's format reads 'question_type/answer_type'.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (MathVista).
    """

    version: ClassVar[int] = 1

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """

        def make(row: TsvRow, _: int) -> Sample:
            gold = {key: row.cells.get(key, "") for key in ("answer", "choices", "answer_option")}
            kind = f"{row.cells['question_type']}/{row.cells.get('answer_type', '')}"
            text = Text(row.cells["question"] + SHORTLY)
            return short_sample(DATA, name, row, (*row.images, text), Gold(gold, kind), kind=row.cells.get("task", ""))

        yield from tsv_samples(DATA, "MathVista_MINI", inputs, make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, which are the same."""
        return macro_and_micro(scores)
