"""MMLongBench v1.1's many-shot learning: classes of images that are known from examples in the context alone."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Image, Text
from mmprolong.evaluation.benchmarks import Inputs
from mmprolong.evaluation.benchmarks._mmlongbench import (
    SEED,
    Released,
    Sampling,
    TaskGroup,
    image_files,
    k_of,
    question_file,
    sample,
)
from mmprolong.evaluation.benchmarks._records import (
    DEFECT,
    HIDDEN,
    ImageFiles,
    LocatedRecord,
    ask,
    interleaved,
    json_file,
    read_rows,
)
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample

_INSTRUCTION = (
    "You need to recognize entities in images. Use the provided mapping from the image to label to assign a label to "
    'the test image. Only output "label: {label}" and nothing else.\n\nTraining examples:\n'
)
_LABEL = "label:"
"""Begin of the model's turn."""
_OFFICIAL_COUNT = 100


class _Picture(msgspec.Struct):
    image: str
    id: Any
    """Class, of an example in the context."""


class _Question(msgspec.Struct):
    image: str
    answer: Any
    """Number of the class."""
    id: Any = ""


@dataclass(frozen=True)
class MMLongBenchICL(TaskGroup):
    """Four data sets of classes.

    Candidates and orders are drawn question by question with Python's generator, as the official code does in one
    process; with several, as it is called, it draws differently each time.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_icl_er).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench_tasks"
    sets: tuple[Literal["cars196", "food101", "inat2021", "sun397"], ...] = ("cars196", "food101", "inat2021", "sun397")
    lengths: tuple[Released, ...] = ("64K", "128K")
    sampling: Sampling = "all"
    """`official`: 100 questions of each file."""

    def questions(self, name: str, data_set: str, length: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of one file."""
        path = question_file(inputs, f"ICL/{data_set}_K{k_of(length)}.json")
        images = image_files(inputs)
        rng = random.Random(SEED)
        lines: list[tuple[str, int, bytes]] = []
        candidates: list[list[list[list[_Picture]]]] = []
        for domain, content in json_file(path, dict).items():
            try:
                shown = msgspec.convert(content["exemplar_list"], list[list[list[_Picture]]])
                tests = list(content["test_example"])
            except (msgspec.ValidationError, KeyError, TypeError) as error:
                yield Reject(what=f"{path.name}[{domain}]", reason="not an official record", detail=str(error))
                continue
            for place, test in enumerate(tests):
                lines.append((f"{path.name}[{domain}][{place}]", len(lines), json.dumps(test).encode()))
                candidates.append(shown)
        if self.sampling == "official":
            rng.shuffle(lines)
            lines = lines[:_OFFICIAL_COUNT]

        def make(row: LocatedRecord[_Question]) -> Sample:
            rounds = rng.choice(candidates[row.number])
            for each in rounds:
                rng.shuffle(each)  # in its place: the next question begins with this order, as officially
            shown = [picture for each in rounds for picture in each]
            return _sample(row, shown, images, name, data_set, length)

        yield from ask(read_rows(lines, _Question), make, lambda question: (question.id, question.image))


def _sample(
    row: LocatedRecord[_Question], shown: Sequence[_Picture], images: ImageFiles, name: str, data_set: str, length: str
) -> Sample:
    record = row.record
    examples = "\n\n".join(f"<image>\n{_LABEL} {each.id}" for each in shown)
    found: list[Image] = images.images([*(each.image for each in shown), record.image])
    parts: tuple[Text | Image, ...] = interleaved(
        f"{_INSTRUCTION}{examples}\n\nNow classify this image: <image>", found
    )
    facts: dict[str, str | float] = {"id": str(record.id)}
    if record.answer not in [each.id for each in shown]:
        facts[DEFECT] = f"{HIDDEN}: no example of {record.answer!r} is shown"
    gold = Gold(record.answer, "cls_acc")
    return sample(name, data_set, length, row, parts, gold, record.image, facts, _LABEL)
