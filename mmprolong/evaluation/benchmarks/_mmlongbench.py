"""Files and prompts of MMLongBench (Edinburgh) v1.1, as its five groups of tasks share them."""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._records import ImageFiles, LocatedRecord, json_lines
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("MMLongBench v1.1", "MIT", "https://huggingface.co/datasets/ZhaoweiWang/MMLongBench")
TEXTS, IMAGES = "mmlb_data", "mmlb_image"
"""Folders in the data root that the archives unpack to."""
Released = Literal["8K", "16K", "32K", "64K", "128K"]
"""Lengths for which there are files."""
Sampling = Literal["all", "official"]
"""All questions of a file, or those that the papers' numbers come from."""
SEED = 42
"""Of the official sampling, set anew for every file."""
ANSWER = "Answer:"
"""Begin of the model's turn."""


class _Identified(msgspec.Struct):
    id: int | str
    image: Any = ""


@dataclass(frozen=True)
class TaskGroup(ABC):
    """A group of tasks: data sets, each with one file of questions for a length."""

    sets: tuple[str, ...]
    lengths: tuple[str, ...]
    sampling: Sampling = "all"

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, set by set and length by length.

        Raises:
            ConfigError: a file, or the folder of the images, is not in the data root.
            DataError: a file that is not made of lines is not JSON of the official form.
        """
        for data_set in self.sets:
            for length in self.lengths:
                yield from self.questions(name, data_set, length, inputs)

    @abstractmethod
    def questions(self, name: str, data_set: str, length: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of one file."""

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the official mean (macro) and the mean over questions."""
        return macro_and_micro(scores)


def question_file(inputs: Inputs, path: str) -> Path:
    """Return a file of questions.

    Raises:
        ConfigError: it, or the folder of the images, is not in the data root.
    """
    found = DATA.file(inputs, f"{TEXTS}/{path}")
    DATA.file(inputs, IMAGES)
    return found


def image_files(inputs: Inputs) -> ImageFiles:
    """Return the images of all groups of tasks."""
    assert inputs.data_root is not None  # a file was found in it
    return ImageFiles(inputs.data_root, IMAGES)


def drawn(count: int, at_most: int = 100) -> list[int]:
    """Return the lines that the official code evaluates, in its order: the first of all, shuffled by seed 42.

    Source: https://github.com/huggingface/datasets/blob/4.0.0/src/datasets/arrow_dataset.py (Dataset.shuffle: a
    permutation by numpy's default generator).
    """
    return np.random.default_rng(SEED).permutation(count)[:at_most].tolist()


def shuffled_lines(path: Path, sampling: Sampling) -> Iterable[tuple[str, int, bytes]]:
    """Return the lines of a file, or the 100 that the official code draws, in its order."""
    lines = list(json_lines(path))
    return [lines[place] for place in drawn(len(lines))] if sampling == "official" else lines


def drawn_ids(path: Path, at_most: int) -> set[str]:
    """Return the ids that the official code draws of a file, as text; every line of such an id is evaluated.

    Lines whose image has a double quote in its path are not drawn from, as officially.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (random.sample over the sorted ids).
    """
    found: set[int | str] = set()
    for _, _, line in json_lines(path):
        try:
            record = msgspec.json.decode(line, type=_Identified)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # is counted where the lines are read
        if '"' not in str(record.image):
            found.add(record.id)
    ordered = sorted(found, key=lambda each: (isinstance(each, str), each))
    return {str(each) for each in random.Random(SEED).sample(ordered, min(at_most, len(ordered)))}


def sample(
    name: str,
    task: str,
    length: str,
    row: LocatedRecord[Any],
    parts: Sequence[Text | Image],
    gold: Gold,
    cluster: str,
    facts: dict[str, str | float],
    begun: str = ANSWER,
) -> Sample:
    """Return a question.

    Args:
        name: of the benchmark in the suite.
        cluster: document or id that questions share.
        begun: text that the model's turn begins with; empty: none.
    """
    turns = (Message("user", tuple(parts)), *([Message("assistant", (Text(begun),))] if begun else []))
    return Sample(
        id=f"{task}-{length}-{row.number}",
        benchmark=name,
        task=task,
        length=length,
        cluster=f"{task}/{cluster}",
        prompt=turns,
        gold=gold,
        facts=facts,
    )


def depth_of(value: Any) -> dict[str, str | float]:
    """Return the depth of a record as a fact; of several needles the mean."""
    depths = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, int | float)]
    return {"depth": sum(depths) / len(depths)} if depths else {}


def k_of(length: str) -> str:
    """Return the number in a file's name of a length: '64' of '64K'."""
    return length.removesuffix("K")
