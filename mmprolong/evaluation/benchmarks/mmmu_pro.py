"""MMMU-Pro: MMMU's questions with ten options."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import (
    TsvRow,
    choice_text,
    open_as_choice,
    short_sample,
    tsv_samples,
    with_marks,
)
from mmprolong.records import Reject, Sample, Score

DATA = DataSet("MMMU-Pro", "Apache-2.0", "https://huggingface.co/datasets/MMMU/MMMU_Pro")
_DIRECTLY = "Answer directly with the option letter from the given choices. "


@dataclass(frozen=True)
class MMMUPro:
    """The questions with ten options, each image where the text names it.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py (MMMUProDataset).
    """

    version: ClassVar[int] = 1

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """

        def make(row: TsvRow, _: int) -> Sample:
            text = choice_text(row, hint=False, closing=_DIRECTLY)
            return short_sample(DATA, name, row, with_marks(text, row.images), open_as_choice(row))

        yield from tsv_samples(DATA, "MMMU_Pro_10c", inputs, make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, which are the same."""
        return macro_and_micro(scores)
