"""Benchmarks of short contexts in VLMEvalKit's form: one TSV file, whose images are cells, and prompts for Qwen-VL."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import ClassVar, NamedTuple

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._records import UNREADABLE, LocatedRecord, ask, named
from mmprolong.images.table_images import SCHEME, listed, tsv_rows
from mmprolong.records import Gold, Reject, Sample, Score

FOLDER = "LMUData"
"""VLMEvalKit's own name of the folder with its files."""
LENGTH = "1p"
"""Short contexts are one cell: their official scores are means over all questions."""
_SELECT = "Please select the correct answer from the options above."
_SHORTLY = "\nPlease try to answer the question with short words or phrases if possible."
_LONGEST_INDEX = 64
"""An image cell of at most so many characters is the index of another row, which has the image."""


class TsvRow(msgspec.Struct):
    """One row."""

    index: str
    cells: dict[str, str]
    """Those that are not empty, but for the image."""
    images: tuple[Image, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """Texts of the options.

        Raises:
            ValueError: a letter is left out.
        """
        letters = [letter for letter in ascii_uppercase if letter in self.cells]
        if letters != list(ascii_uppercase[: len(letters)]):
            raise ValueError(f"options {letters}; expected letters from A without a gap")
        return tuple(self.cells[letter] for letter in letters)


class TableQuestion(NamedTuple):
    """A row as a question."""

    parts: tuple[Image | Text, ...]
    gold: Gold
    facts: dict[str, str | float]


@dataclass(frozen=True)
class TableBenchmark(ABC):
    """A benchmark of one table; every row is a question, a cell and a cluster of its own."""

    data: ClassVar[DataSet]
    table: ClassVar[str]
    """Name of the file, without its ending."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the file is not in the data root.
            DataError: it is no table.
        """
        rows = _rows(self.data, f"{FOLDER}/{self.table}.tsv", inputs)
        yield from ask(rows, partial(self._sample, name), lambda row: row.index)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the means by cells and by questions, which are the same."""
        return macro_and_micro(scores)

    @abstractmethod
    def asked(self, row: TsvRow) -> TableQuestion:
        """Return what a row asks.

        Raises:
            LookupError, ValueError: it does not make sense.
        """

    def _sample(self, name: str, located: LocatedRecord[TsvRow]) -> Sample:
        row = located.record
        parts, gold, facts = self.asked(row)
        kept = {key: row.cells[key] for key in ("category", "split") if key in row.cells}
        return Sample(
            id=f"{self.data.title}-{row.index}",
            benchmark=name,
            task=self.data.title,
            length=LENGTH,
            cluster=f"{self.data.title}-{row.index}",
            prompt=(Message("user", parts),),
            gold=gold,
            facts={"question": row.cells["question"], **kept, **facts},
        )


def _rows(data: DataSet, name: str, inputs: Inputs) -> Iterator[LocatedRecord[TsvRow] | Reject]:
    path = data.file(inputs, name)
    rows: list[tuple[str, dict[str, str], str]] = []
    images: dict[str, tuple[Image, ...]] = {}
    for number, begin, cells in tsv_rows(path):
        where, index, image = f"{path.name}, row {number}", cells.get("index", ""), cells.pop("image", "")
        if len(image) > _LONGEST_INDEX:
            source = f"{SCHEME}{name}#image@{begin}"
            images[index] = tuple(Image(source, place) for place in range(_count(image)))
            image = index
        rows.append((where, cells, image))
    for number, (where, cells, image) in enumerate(rows):
        where = named(where, cells.get("index"))
        missing = [key for key in ("index", "question", "answer") if key not in cells]
        if missing:
            yield Reject(what=where, reason=UNREADABLE, detail=f"no {missing[0]}")
        elif not images.get(image):
            yield Reject(what=where, reason="no image", detail=image)
        else:
            yield LocatedRecord(where, number, TsvRow(cells["index"], cells, images[image]))


def _count(image: str) -> int:
    """Return the number of images in a cell; 0 if it begins like a list and is none."""
    try:
        return len(listed(image))
    except ValueError:
        return 0


def choice_question(row: TsvRow, **facts: str | float) -> TableQuestion:
    """Return a multiple-choice question as Qwen-VL is asked it: images, hint, question, options.

    Raises:
        ValueError: the answer is none of the options.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/vlm/qwen2_vl/prompt.py.
    """
    return TableQuestion((*row.images, Text(choice_text(row))), choice_gold(row.cells["answer"], row.options), facts)


def short_question(row: TsvRow, gold: Gold, **facts: str | float) -> TableQuestion:
    """Return a question that Qwen-VL is to answer with few words."""
    return TableQuestion((*row.images, Text(row.cells["question"] + _SHORTLY)), gold, facts)


def choice_text(row: TsvRow, hint: bool = True, closing: str = _SELECT) -> str:
    """Return the text of a multiple-choice question; a question without options is asked as it is."""
    lines = [f"Hint: {row.cells['hint']}"] if hint and "hint" in row.cells else []
    lines.append(f"Question: {row.cells['question']}")
    if row.options:
        lines += [
            "Options:",
            *(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, row.options, strict=False)),
        ]
        lines.append(closing)
    return "\n".join(lines).rstrip()


def choice_gold(answer: str, options: tuple[str, ...]) -> Gold:
    """Return the gold of a letter.

    Raises:
        ValueError: there is no such option.
    """
    if answer not in [*ascii_uppercase[: len(options)]]:
        raise ValueError(f"answer {answer!r} is none of {len(options)} options")
    return Gold(answer, "Choice", choices=options)


def open_as_choice(row: TsvRow) -> Gold:
    """Return the gold of a question that may have no options: then the answer is A and anything else B."""
    if row.options:
        answer = row.cells["answer"]
        return choice_gold(answer if answer in [*ascii_uppercase] else "A", row.options)
    return choice_gold("A", (row.cells["answer"], "Other Answers"))


def with_marks(text: str, images: tuple[Image, ...]) -> tuple[Image | Text, ...]:
    """Return text with the images where '<image 1>' and so on stand; without marks the images come first.

    Raises:
        IndexError: there is no such image.
    """
    pieces = re.split(r"<image (\d)>", text)
    if len(pieces) == 1:
        return (*images, Text(text))
    parts = (images[int(piece) - 1] if place % 2 else Text(piece) for place, piece in enumerate(pieces))
    return tuple(part for part in parts if part != Text(""))
