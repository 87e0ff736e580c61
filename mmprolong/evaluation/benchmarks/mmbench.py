"""MMBench V1.1: multiple choice on one image, each question asked with its options in every rotation."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import TsvRow, choice_sample, tsv_samples
from mmprolong.records import Reject, Sample, Score

DATA = DataSet("MMBench-V1.1", "Apache-2.0", "https://github.com/open-compass/MMBench")
_ROTATION = 1_000_000
"""Added to an index for each rotation."""


@dataclass(frozen=True)
class MMBench:
    """The English development questions; answers of the test questions are withheld.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py.
    """

    version: ClassVar[int] = 1

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """

        def make(row: TsvRow, _: int) -> Sample:
            group = row.cells.get("g_index", str(int(row.index) % _ROTATION))
            return choice_sample(DATA, name, row, group=group)

        yield from tsv_samples(DATA, "MMBench_DEV_EN_V11", inputs, make)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, and the official one: a question is right in all rotations."""
        groups: dict[object, list[float]] = defaultdict(list)
        for score in scores:
            groups[score.facts["group"]].append(score.value)
        return {**macro_and_micro(scores), "circular": fmean(map(min, groups.values()))}
