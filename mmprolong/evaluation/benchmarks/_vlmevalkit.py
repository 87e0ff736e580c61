"""Benchmarks of short contexts in VLMEvalKit's form: one TSV file, whose images are cells, and prompts for Qwen-VL."""

import re
from collections.abc import Callable, Iterator
from string import ascii_uppercase
from typing import Any

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs
from mmprolong.evaluation.benchmarks._reading import Row, asked
from mmprolong.images.table_images import SCHEME, listed, tsv_rows
from mmprolong.records import Gold, Reject, Sample

FOLDER = "LMUData"
"""VLMEvalKit's own name of the folder with its files."""
LENGTH = "1p"
"""Short contexts are one cell: their official scores are means over all questions."""
SELECT = "Please select the correct answer from the options above."
SHORTLY = "\nPlease try to answer the question with short words or phrases if possible."
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


def tsv_samples(
    data: DataSet, file: str, inputs: Inputs, make: Callable[[TsvRow, int], Sample | Reject]
) -> Iterator[Sample | Reject]:
    """Yield the sample of each row.

    Raises:
        ConfigError: the file is not in the data root.
        DataError: it is no table.
    """
    name = f"{FOLDER}/{file}.tsv"
    yield from asked(_rows(data, name, inputs), make, inputs.data_root)


def _rows(data: DataSet, name: str, inputs: Inputs) -> Iterator[Row[TsvRow]]:
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
        missing = [key for key in ("index", "question", "answer") if key not in cells]
        if missing:
            yield where, number, Reject(what=where, reason="not an official record", detail=f"no {missing[0]}")
        elif not images.get(image):
            yield where, number, Reject(what=f"{where} ({cells['index']})", reason="no image", detail=image)
        else:
            yield where, number, TsvRow(cells["index"], cells, images[image])


def _count(image: str) -> int:
    """Return the number of images in a cell; 0 if it begins like a list and is none."""
    try:
        return len(listed(image))
    except ValueError:
        return 0


def short_sample(
    data: DataSet, name: str, row: TsvRow, parts: tuple[Image | Text, ...], gold: Gold, **facts: Any
) -> Sample:
    """Return the sample of a row; its category is a fact."""
    kept = {key: row.cells[key] for key in ("category", "split") if key in row.cells}
    return Sample(
        id=f"{data.title}-{row.index}",
        benchmark=name,
        task=data.title,
        length=LENGTH,
        cluster=f"{data.title}-{row.index}",
        prompt=(Message("user", parts),),
        gold=gold,
        facts={"question": row.cells["question"], **kept, **facts},
    )


def choice_sample(data: DataSet, name: str, row: TsvRow, **facts: Any) -> Sample:
    """Return a multiple-choice question as Qwen-VL is asked it: images, hint, question, options.

    Raises:
        ValueError: the answer is none of the options.

    Source: https://github.com/open-compass/VLMEvalKit/blob/e8e78f05/vlmeval/vlm/qwen2_vl/prompt.py.
    """
    text = Text(choice_text(row))
    return short_sample(data, name, row, (*row.images, text), choice_gold(row.cells["answer"], row.options), **facts)


def choice_text(row: TsvRow, hint: bool = True, closing: str = SELECT) -> str:
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
