"""RealWorldQA: multiple choice on photographs taken from cars and elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import choice_sample, tsv_samples
from mmprolong.records import Reject, Sample, Score

DATA = DataSet("RealWorldQA", "CC-BY-ND-4.0", "https://huggingface.co/datasets/xai-org/RealworldQA")


@dataclass(frozen=True)
class RealWorldQA:
    """All questions.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py.
    """

    version: ClassVar[int] = 1

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """
        yield from tsv_samples(DATA, "RealWorldQA", inputs, lambda row, _: choice_sample(DATA, name, row))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, which are the same."""
        return macro_and_micro(scores)
