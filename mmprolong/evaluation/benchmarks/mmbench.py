"""MMBench V1.1: multiple choice on one image, each question asked with its options in every rotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

from mmprolong.evaluation.benchmarks import DataSet, macro_and_micro
from mmprolong.evaluation.benchmarks._vlmevalkit import TableBenchmark, TableQuestion, TsvRow, choice_question
from mmprolong.evaluation.official import circular
from mmprolong.plugins import Choice
from mmprolong.records import Score

_ROTATION = 1_000_000
"""Added to an index for each rotation."""


@dataclass(frozen=True)
class MMBench(TableBenchmark):
    """The English development questions; answers of the test questions are withheld.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/image_mcq.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mcq_vlmevalkit"
    data: ClassVar[DataSet] = DataSet("MMBench-V1.1", "Apache-2.0", "https://github.com/open-compass/MMBench")
    table: ClassVar[str] = "MMBench_DEV_EN_V11"

    def asked(self, row: TsvRow) -> TableQuestion:
        """Return a multiple-choice question; its rotations are one group."""
        return choice_question(row, group=row.cells.get("g_index", str(int(row.index) % _ROTATION)))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, and the official one: a question is right in all rotations."""
        return {**macro_and_micro(scores), "circular": fmean(score.value for score in circular(scores))}
