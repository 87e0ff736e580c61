"""OCRBench: text in images, ten categories."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import SHORTLY, TsvRow, short_sample, tsv_samples
from mmprolong.images.table_images import listed
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("OCRBench", "MIT", "https://github.com/Yuliang-Liu/MultimodalOCR")


@dataclass(frozen=True)
class OCRBench:
    """All questions; golds are a list as Python writes it, the gold's format is the category.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_vqa.py (OCRBench).
    """

    version: ClassVar[int] = 1

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """

        def make(row: TsvRow, _: int) -> Sample:
            answer = row.cells["answer"]
            if not (answer.startswith("[") and listed(answer)):
                raise ValueError(f"answer {answer!r} is no list of answers")
            text = Text(row.cells["question"] + SHORTLY)
            return short_sample(DATA, name, row, (*row.images, text), Gold(answer, row.cells["category"]))

        yield from tsv_samples(DATA, "OCRBench", inputs, make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions; the official score is 1000 times the latter on 1000 questions."""
        return macro_and_micro(scores)
