"""MM-NIAH: needles of text or images in documents of text and images, at 1K to 64K tokens."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from string import ascii_uppercase
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Message
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._records import (
    ImageFiles,
    LocatedRecord,
    Refused,
    ask,
    interleaved,
    json_lines,
    read_rows,
)
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("MM-NIAH", "MIT", "https://huggingface.co/datasets/OpenGVLab/MM-NIAH")
Task = Literal[
    "retrieval-text", "retrieval-image", "counting-text", "counting-image", "reasoning-text", "reasoning-image"
]
_TASKS: tuple[Task, ...] = (
    *("retrieval-text", "retrieval-image", "counting-text"),
    *("counting-image", "reasoning-text", "reasoning-image"),
)
_MARK = "<image>"
_LETTER = "\nAnswer with the option's letter from the given choices directly."
_PHRASE = "\nAnswer the question using a single word or phrase."
_BINS = (1000, 2000, 4000, 8000, 12000, 16000, 24000, 32000, 40000, 48000, 64000)
"""Shortest contexts of the official lengths [tokens], K being 1000."""
_DEPTHS = 5


class _Meta(msgspec.Struct):
    placed_depth: float | list[float]
    """Places of the needles, 0 to 1."""
    context_length: int
    """Tokens of text and images, as the authors counted them."""
    needles: list[Any] | None = None
    """Texts, or paths of images."""
    choices: list[str] | None = None
    choices_image_path: list[str] | None = None


class _Record(msgspec.Struct):
    """One line of an official file."""

    id: int | str
    images_list: list[str]
    context: str
    question: str
    answer: Any
    """Text, the place of an option, or a list of counts."""
    meta: _Meta


@dataclass(frozen=True)
class MMNIAH:
    """The questions as they are, context first.

    Source: https://github.com/OpenGVLab/MM-NIAH/blob/2fd03ddc/utils/tools.py (get_input).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mm_niah"
    split: Literal["val", "test"] = "val"
    tasks: tuple[Task, ...] = _TASKS

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task.

        Raises:
            ConfigError: a file of questions or the folder of images is not in the data root.
        """
        folder = f"{DATA.title}/mm_niah_{self.split}"
        DATA.file(inputs, f"{folder}/images")
        assert inputs.data_root is not None
        images = ImageFiles(inputs.data_root, f"{folder}/images")
        for task in self.tasks:
            path = DATA.file(inputs, f"{folder}/annotations/{task}.jsonl")
            yield from ask(
                read_rows(json_lines(path), _Record), partial(_sample, name, task, images), lambda record: record.id
            )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means of cells and of questions, and the official number.

        That is the mean over tasks, lengths and five depths, in which a depth without a question counts 0.

        Source: https://github.com/OpenGVLab/MM-NIAH/blob/2fd03ddc/calculate_scores.py.
        """
        cells: dict[tuple[str, str, int], list[float]] = defaultdict(list)
        for score in scores:
            cells[score.task, score.length, int(min(float(score.facts["depth"]), 0.99) / 0.2)].append(score.value)
        tasks = len({task for task, _, _ in cells})
        official = sum(map(fmean, cells.values())) / (tasks * len(_BINS) * _DEPTHS)
        return {**macro_and_micro(scores), "official": official}


def _sample(name: str, task: str, files: ImageFiles, row: LocatedRecord[_Record]) -> Sample:
    record = row.record
    meta = record.meta
    if meta.context_length < _BINS[0]:
        raise Refused("shorter than the official lengths", f"{meta.context_length} tokens")
    places = meta.placed_depth if isinstance(meta.placed_depth, list) else [meta.placed_depth]
    question, images = _question(record), record.images_list + (meta.choices_image_path or [])
    is_text = task.startswith("counting") and isinstance(record.answer, str)
    gold = json.loads(record.answer) if is_text else record.answer
    if gold is None or gold == "":
        raise ValueError("no answer; the answers of the test split are withheld")
    needles = {needle for needle in meta.needles or () if isinstance(needle, str)}
    options = len(meta.choices or meta.choices_image_path or ())
    if isinstance(gold, int) and options and gold not in range(options):
        raise ValueError(f"answer {gold} is none of {options} options")
    evidence = tuple(place for place, image in enumerate(record.images_list) if image in needles)
    return Sample(
        id=f"{task}-{record.id}",
        benchmark=name,
        task=task,
        length=f"{_BINS[bisect_right(_BINS, meta.context_length) - 1] // 1000}K",
        cluster=f"{task}-{record.id}",
        prompt=(Message("user", interleaved(f"{record.context}\n{question}", files.images(images))),),
        gold=Gold(gold, task, evidence, tuple(meta.choices or ())),
        facts={"depth": fmean(places), "tokens": meta.context_length, "question": question},
    )


def _question(record: _Record) -> str:
    shown = record.meta.choices or [_MARK] * len(record.meta.choices_image_path or ())
    if not shown:
        return record.question + _PHRASE
    choices = (f"\n{letter}. {choice}" for letter, choice in zip(ascii_uppercase, shown, strict=False))
    return "".join((record.question, *choices, _LETTER))
