"""MMLongBench v1.1's needles: the six tasks of MM-NIAH and Visual Haystacks, every needle at several depths."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Image, Text
from mmprolong.evaluation.benchmarks import Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._mmlongbench import (
    Released,
    Sampling,
    TaskGroup,
    depth_of,
    drawn_ids,
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
    json_lines,
    read_rows,
)
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

Needles = Literal[
    "retrieval-text",
    "counting-text",
    "reasoning-text",
    "retrieval-image",
    "counting-image",
    "reasoning-image",
    "vh_single",
    "vh_multi",
]
FILES = {
    "retrieval-text": "retrieval-text_test_K{}_dep6",
    "counting-text": "counting-text_test_K{}_dep3",
    "reasoning-text": "reasoning-text_test_K{}_dep3",
    "retrieval-image": "retrieval-image_test_K{}_dep6",
    "counting-image": "counting-image_test_K{}_dep3",
    "reasoning-image": "reasoning-image_test_K{}_dep6",
    "vh_single": "vh_single_test_1000_K{}_dep6",
    "vh_multi": "vh_multi_test_1000_K{}_dep3",
}
_FORM = "Write your answer in the following format:\nAnswer: [answer]\n\n"
_GIVEN = "You are given interleaved text and images. Please answer the question "
_TEXT = f"{_GIVEN}based on the given text and images. {_FORM}"
_CHOICE = f"{_GIVEN}with the option's letter (A, B, etc.) based on the given text and images. {_FORM}"
_HAYSTACK = f"You are given a set of images. Please answer the question in Yes or No based on the given images. {_FORM}"
_DEFAULTS = (0, 1, 1, 0)
"""Answers that stand by turns for replies without a yes or no."""


class _Record(msgspec.Struct):
    """One line of an official file."""

    id: int | str
    question: str
    answer: Any
    """Text or texts, counts, or the place of the right option; Visual Haystacks: Yes or No."""
    ctxs: list[Any]
    """Paragraphs with their `text`, an image's being a mark; Visual Haystacks: paths of images."""
    image_list: list[str] = []
    needle_image_list: list[str] = []
    """Images that are counted; shown with the question."""
    choices_image: list[str] = []
    """Options; shown with the question."""
    positive_ctxs: Any = None
    depth: Any = None


@dataclass(frozen=True)
class MMLongBenchNIAH(TaskGroup):
    """Needles in text and images; the gold's format names the metric.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (load_mm_niah_text,
    load_mm_niah_image_count, load_mm_niah_image_mc, load_visual_haystack).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "mmlongbench_tasks"
    sets: tuple[Needles, ...] = (
        "retrieval-text",
        "retrieval-image",
        "counting-text",
        "counting-image",
        "reasoning-text",
        "reasoning-image",
    )
    lengths: tuple[Released, ...] = ("64K", "128K")
    sampling: Sampling = "all"
    """`official`: 50 ids of each file of MM-NIAH, 100 of Visual Haystacks, at all their depths."""

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return macro and micro means, and `families`: text and image needles of a kind are averaged first.

        As in the official figures, an accuracy of Visual Haystacks below one half counts from the other side.

        Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/figure_scripts/utils.py (custom_avgs).
        """
        cells: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for score in scores:
            cells[score.length][score.task].append(score.value)
        families = fmean(_families({task: fmean(values) for task, values in tasks.items()}) for tasks in cells.values())
        return {**macro_and_micro(scores), "families": families}

    def questions(self, name: str, data_set: str, length: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of one file."""
        path = question_file(inputs, f"NIAH/{FILES[data_set].format(k_of(length))}.jsonl")
        images = image_files(inputs)
        rows = read_rows(json_lines(path), _Record)
        if self.sampling == "official":
            ids = drawn_ids(path, 100 if data_set.startswith("vh_") else 50)
            rows = (row for row in rows if isinstance(row, Reject) or str(row.record.id) in ids)
        asked = 0

        def make(row: LocatedRecord[_Record]) -> Sample:
            nonlocal asked
            made = _sample(row, images, name, data_set, length, asked)
            asked += 1
            return made

        yield from ask(rows, make, _id_and_depth)


def _id_and_depth(record: _Record) -> tuple[Any, Any] | None:
    return None if record.depth is None else (record.id, record.depth)


def _sample(
    row: LocatedRecord[_Record], images: ImageFiles, name: str, needles: str, length: str, asked: int
) -> Sample:
    record = row.record
    facts: dict[str, str | float] = {"id": str(record.id), "question": record.question, **depth_of(record.depth)}
    if needles.startswith("vh_"):
        shown = images.images(map(str, record.ctxs))
        paths = list(map(str, record.ctxs))
        marks = "\n".join(["<image>"] * len(shown))
        parts = interleaved(f"{_HAYSTACK}{marks}\n\nQuestion: {record.question}", shown)
        facts["default_answer"] = _DEFAULTS[asked % len(_DEFAULTS)]
    else:
        paths = [*record.image_list, *record.needle_image_list, *record.choices_image]
        parts = _interleaved(record, images.images(paths), _CHOICE if record.choices_image else _TEXT)
    gone = _needle_images(record) - set(paths)
    if gone:
        facts[DEFECT] = f"{HIDDEN}: {', '.join(sorted(gone))} not shown"
    evidence = tuple(place for place, path in enumerate(paths) if path in _needle_images(record))
    gold = Gold(record.answer, metric_of(needles), evidence)
    return sample(name, needles, length, row, parts, gold, str(record.id), facts)


def _interleaved(record: _Record, images: Sequence[Image], instruction: str) -> tuple[Text | Image, ...]:
    context = "\n\n".join(str(each.get("text", "")) if isinstance(each, dict) else str(each) for each in record.ctxs)
    options = "".join(f"\n{chr(ord('A') + place)}. <image>" for place in range(len(record.choices_image)))
    return interleaved(f"{instruction}{context}\n\nQuestion: {record.question}{options}", images)


def metric_of(needles: str) -> str:
    """Return the metric of a set, as the official code names it."""
    if needles.startswith("vh_"):
        return "binary_acc"
    if needles.startswith("counting"):
        return "soft_acc"
    return "mc_acc" if needles.endswith("image") else "sub_em"


def _needle_images(record: _Record) -> set[str]:
    """Return the paths of the images that are needles in the context."""
    found = record.positive_ctxs if isinstance(record.positive_ctxs, list) else []
    return {str(each.get("image") or "") if isinstance(each, dict) else str(each) for each in found} - {""}


def _families(means: dict[str, float]) -> float:
    """Return the mean over kinds of needles from the means of the sets."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for task, mean in means.items():
        kinds[task.partition("-")[0]].append(max(mean, 1 - mean) if task.startswith("vh_") else mean)
    return fmean(map(fmean, kinds.values()))
