"""MLVU: multiple choice on long films, seven tasks of its development set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import ClassVar, Literal, TypeVar

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._films import LENGTH, frames_below
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_file, json_items, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("MLVU", "CC-BY-NC-SA-4.0", "https://huggingface.co/datasets/MLVU/MVLU")
R = TypeVar("R")
Task = Literal["1_plotQA", "2_needle", "3_ego", "4_count", "5_order", "6_anomaly_reco", "7_topic_reasoning"]
_TASKS: tuple[Task, ...] = (
    *("1_plotQA", "2_needle", "3_ego", "4_count"),
    *("5_order", "6_anomaly_reco", "7_topic_reasoning"),
)
_SYSTEM = (
    "Carefully watch this video and pay attention to every detail. Based on your observations, select the best option "
    "that accurately addresses the question."
)


class _Record(msgspec.Struct):
    """One question of a task's file."""

    video: str
    question: str
    candidates: list[str]
    answer: str
    """One of the candidates."""
    question_type: str
    duration: float = 0.0
    """[s]"""


def read_tasks(
    tasks: Sequence[str],
    inputs: Inputs,
    kind: type[R],
    make: Callable[[str, Callable[[str], tuple[Image, ...]], LocatedRecord[R]], Sample],
) -> Iterator[Sample | Reject]:
    """Yield the samples that `make` returns for a task, the reader of its films' frames, and a record of its file."""
    for task in tasks:
        path = DATA.file(inputs, f"{DATA.title}/json/{task}.json")
        root = DATA.file(inputs, f"{DATA.title}/video/{task}").parents[2]
        yield from ask(
            read_rows(json_items(path, json_file(path, list)), kind), partial(make, task, frames_below(root))
        )


@dataclass(frozen=True)
class MLVU:
    """The multiple-choice questions, the frames before each.

    A film is `video/TASK/NAME`, or a folder of that name without its ending, with one image for each second.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/dataset/mlvu.py (MLVU_MCQ).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mlvu"
    tasks: tuple[Task, ...] = _TASKS

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task.

        Raises:
            ConfigError: questions or films are not in the data root, or PyAV is not installed.
            DataError: a file of questions is no list.
        """
        yield from read_tasks(self.tasks, inputs, _Record, partial(_sample, name))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over tasks, which is the official M-Avg, and the one over questions."""
        return macro_and_micro(scores)


def _sample(name: str, task: str, frames: Callable[[str], tuple[Image, ...]], row: LocatedRecord[_Record]) -> Sample:
    record = row.record
    if record.answer not in record.candidates:
        raise ValueError(f"answer {record.answer!r} is none of {record.candidates}")
    letter = ascii_uppercase[len(record.candidates) - 1 - record.candidates[::-1].index(record.answer)]
    options = (f"({each}) {option}" for each, option in zip(ascii_uppercase, record.candidates, strict=False))
    question = "\n".join((f"Question: {record.question}", "Options:", *options)).rstrip()
    shown = frames(f"{DATA.title}/video/{task}/{record.video}")
    return Sample(
        id=f"{task}-{row.number}",
        benchmark=name,
        task=record.question_type,
        length=LENGTH,
        cluster=record.video,
        prompt=(
            Message("system", (Text(_SYSTEM),)),
            Message(
                "user",
                (*shown, Text(f"{question}\nOnly give the best option.")),
            ),
        ),
        gold=Gold(f"({letter}) {record.answer}", "Choice", choices=tuple(record.candidates)),
        facts={"question": question, "seconds": record.duration},
    )
