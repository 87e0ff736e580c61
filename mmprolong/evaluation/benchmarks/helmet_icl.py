"""HELMET's in-context learning: labels of short texts that are known from examples in the context alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import ClassVar, Literal, NamedTuple

import msgspec

from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._helmet import (
    LENGTHS,
    SEED,
    Length,
    Sampling,
    hub_file,
    sample,
    seed_of,
    shuffled,
)
from mmprolong.evaluation.benchmarks._records import LocatedRecord, ask, json_lines, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

Task = Literal["trec_coarse", "trec_fine", "banking77", "clinic150", "nlu"]


class _Set(NamedTuple):
    """A data set; where it has one file, a tenth of it is asked about."""

    train: str
    asked: str
    label: str
    """Field of the label."""
    labels: int
    shots: tuple[int, ...]
    """Examples at each length."""


_SETS: dict[Task, _Set] = {
    "trec_coarse": _Set("trec_train", "trec_test", "coarse_label", 6, (200, 400, 800, 1600, 3300, 6600)),
    "trec_fine": _Set("trec_train", "trec_test", "fine_label", 50, (200, 400, 800, 1600, 3200, 6400)),
    "banking77": _Set("banking77_train", "banking77_test", "label", 77, (180, 360, 720, 1450, 2900, 5900)),
    "clinic150": _Set("clinc_train", "clinc_validation", "intent", 151, (220, 440, 880, 1750, 3525, 7050)),
    "nlu": _Set("nlu_train", "nlu_train", "label", 68, (250, 510, 1020, 2040, 4080, 8296)),
}
_COUNT = 500
_ASKED = (
    'Use the provided mapping from the text to label to assign a label to the text. Only output "label: {{label}}" '
    "and nothing else. \n\n{examples}\n\n{text}"
)


class _Record(msgspec.Struct):
    """One text; which label is there depends on the set."""

    text: str
    coarse_label: int | None = None
    fine_label: int | None = None
    label: int | None = None
    intent: int | None = None


Row = LocatedRecord[_Record]


@dataclass(frozen=True)
class HelmetICL:
    """Five sets; labels are numbers that mean something else in every question.

    Source: https://github.com/princeton-nlp/HELMET/blob/4526dfbd/data.py (load_icl), scripts/generate_configs.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "helmet"
    tasks: tuple[Task, ...] = ("trec_coarse", "trec_fine", "banking77", "clinic150", "nlu")
    lengths: tuple[Length, ...] = ("8K", "16K", "32K", "64K", "128K")
    sampling: Sampling = "all"
    """`official`: 500 questions of each set, as many of each label; one that is drawn twice is asked once."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, task by task and length by length; broken lines once a task.

        Raises:
            ConfigError: a file is not in the data root.
        """
        for task in self.tasks:
            data = _SETS[task]
            train, asked, broken = _split(data, inputs)
            yield from broken
            if self.sampling == "official" and len(asked) > _COUNT:
                drawn = balanced(shuffled(asked), data.label, _COUNT, SEED)
                asked = list({row.number: row for row in drawn}.values())
            for length in self.lengths:
                shots = data.shots[LENGTHS.index(length)]
                yield from ask(asked, partial(_sample, name, task, length, train, shots))

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over lengths of the means over tasks, and the one over questions."""
        return macro_and_micro(scores)


def _split(data: _Set, inputs: Inputs) -> tuple[list[Row], list[Row], list[Reject]]:
    """Return the texts for examples, those that are asked about, and the lines that have none or no label.

    Source: https://github.com/huggingface/datasets/blob/4.0.0/src/datasets/arrow_dataset.py (train_test_split).
    """
    read: dict[str, list[Row]] = {}
    broken: list[Reject] = []
    for file in dict.fromkeys((data.train, data.asked)):
        rows = read[file] = []
        for row in read_rows(json_lines(hub_file(inputs, file)), _Record):
            if isinstance(row, Reject):
                broken.append(row)
            elif _label(row, data.label) not in range(data.labels):
                detail = f"{data.label} {_label(row, data.label)}; expected 0 to {data.labels - 1}"
                broken.append(Reject(what=row.where, reason="no label", detail=detail))
            else:
                rows.append(row)
    if data.train != data.asked:
        return read[data.train], read[data.asked], broken
    mixed = shuffled(read[data.train])
    tenth = ceil(0.1 * len(mixed))
    return mixed[tenth:], mixed[:tenth], broken


def balanced(rows: Sequence[Row], label: str, count: int, seed: int) -> list[Row]:
    """Return rounds of one text a label, each in random order; the last round is cut.

    A label's texts come again once all of them were taken.
    """
    rng = random.Random(seed)
    by_label: dict[int | None, list[Row]] = {}
    for row in rows:
        by_label.setdefault(_label(row, label), []).append(row)
    rounds: list[list[Row]] = [[] for _ in range(ceil(count / len(by_label)))]
    for texts in by_label.values():
        places = rng.sample(range(len(texts)), len(rounds) % len(texts))
        while len(places) < len(rounds):
            places += rng.sample(range(len(texts)), min(len(rounds) - len(places), len(texts)))
        for each, place in zip(rounds, places, strict=True):
            each.append(texts[place])
    for each in rounds:
        rng.shuffle(each)
    return [row for each in rounds for row in each][:count]


def _label(row: Row, label: str) -> int | None:
    return getattr(row.record, label)


def _sample(name: str, task: Task, length: str, train: Sequence[Row], shots: int, row: Row) -> Sample:
    data, text = _SETS[task], row.record.text
    seed = seed_of(text, SEED)
    shown = balanced(train, data.label, shots, seed)
    meaning = list(range(data.labels))
    random.Random(seed).shuffle(meaning)
    numbers = {place: str(meaning[_label(each, data.label) or 0]) for place, each in enumerate([*shown, row])}
    examples = "\n\n".join(f"{each.record.text}\nlabel: {numbers[place]}" for place, each in enumerate(shown))
    asked = _ASKED.format(examples=examples, text=text)
    gold = Gold(numbers[len(shown)], "icl:exact_match")
    return sample(name, task, length, row, asked, "label:", gold, str(row.number), {"question": text})
