"""MLVU's generation tasks: scenes described and films summarised, judged by a language model (G-Avg)."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._films import LENGTH
from mmprolong.evaluation.benchmarks._records import LocatedRecord
from mmprolong.evaluation.benchmarks.mlvu import DATA, read_tasks
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

_SYSTEM = (
    "Carefully watch this video and pay attention to every detail. Based on your observations, answer the given "
    "questions."
)


class _Record(msgspec.Struct):
    """One question of a task's file."""

    video: str
    question: str
    answer: str
    question_type: Literal["subPlot", "summary"]
    scoring_points: list[str] = []
    """What a description of a scene has to say."""
    duration: float = 0.0
    """[s]"""


@dataclass(frozen=True)
class MLVUGeneration:
    """The questions with free answers, the frames before each; the gold's format is the kind of task.

    Source: https://github.com/JUNJIE99/MLVU/blob/fd060c10/evaluation/generation_evaluation/open_bench.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = ""
    tasks: tuple[Literal["8_sub_scene", "9_summary"], ...] = ("8_sub_scene", "9_summary")

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task.

        Raises:
            ConfigError: questions or films are not in the data root, or PyAV is not installed.
            DataError: a file of questions is no list.
        """
        yield from read_tasks(self.tasks, inputs, _Record, partial(_sample, name))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over tasks and the one over questions; the official G-Avg is 10 times the former."""
        return macro_and_micro(scores)


def _sample(name: str, task: str, frames: Callable[[str], tuple[Image, ...]], row: LocatedRecord[_Record]) -> Sample:
    record = row.record
    facts: dict[str, str | float] = {"question": record.question, "seconds": record.duration}
    if record.question_type == "subPlot":
        if not record.scoring_points:
            raise ValueError("no scoring points")
        facts["scoring_points"] = json.dumps(record.scoring_points)
    shown = frames(f"{DATA.title}/video/{task}/{record.video}")
    return Sample(
        id=f"{task}-{row.number}",
        benchmark=name,
        task=record.question_type,
        length=LENGTH,
        cluster=record.video,
        prompt=(Message("system", (Text(_SYSTEM),)), Message("user", (*shown, Text(record.question)))),
        gold=Gold(record.answer, record.question_type),
        facts=facts,
    )
