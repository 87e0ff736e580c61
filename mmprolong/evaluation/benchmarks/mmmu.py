"""MMMU: questions of college exams, most of them multiple choice, on one or several images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from mmprolong.conversations import Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import TsvRow, choice_text, open_as_choice, short_sample, tsv_samples
from mmprolong.records import Reject, Sample, Score

DATA = DataSet("MMMU", "Apache-2.0", "https://huggingface.co/datasets/MMMU/MMMU")


@dataclass(frozen=True)
class MMMU:
    """The validation questions, their images before them; those without options are asked openly.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/vlm/qwen2_vl/prompt.py
    (_build_mmmu_prompt), vlmeval/dataset/utils/multiple_choice.py (MMMU_preproc).
    """

    version: ClassVar[int] = 1
    splits: tuple[Literal["dev", "validation"], ...] = ("validation",)

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """

        def make(row: TsvRow, _: int) -> Sample | Reject:
            if row.cells.get("split") not in self.splits:
                return Reject(what=row.index, reason="of another split", detail=row.cells.get("split", ""))
            return short_sample(DATA, name, row, (*row.images, Text(choice_text(row))), open_as_choice(row))

        yield from tsv_samples(DATA, "MMMU_DEV_VAL", inputs, make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, which are the same."""
        return macro_and_micro(scores)
