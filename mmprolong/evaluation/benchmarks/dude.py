"""DUDE: questions on documents of all kinds, every page shown as an image."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Message, Pages, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import DataSet, Inputs, nominal_pages
from mmprolong.evaluation.benchmarks._records import (
    LocatedRecord,
    Refused,
    ask,
    json_file,
    json_items,
    page_defects,
    read_rows,
)
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("DUDE", "CC-BY-4.0", "https://huggingface.co/datasets/jordyvl/DUDE_loader")
QUESTIONS = "DUDE/2023-03-23_DUDE_gt_test_PUBLIC.json"
DOCUMENTS = "DUDE/DUDE_train-val-test_binaries/PDF"
_ASKED = (
    "Answer the question about this document with a word, number or phrase of its own where possible. If there are "
    'several answers, write them as a list: ["first", "second"]. If the document does not answer it, write: Not '
    "answerable"
)


class _Record(msgspec.Struct):
    """One item of the official `data`."""

    questionId: str
    question: str
    docId: str
    data_split: str
    answers: list[str] = []
    """Empty in the test split, whose answers are withheld."""
    answer_type: str | None = None
    answers_page_bounding_boxes: Any = None

    @property
    def cited(self) -> list[int]:
        """Pages of the evidence, from 0."""
        return sorted(set(_pages(self.answers_page_bounding_boxes)))


@dataclass(frozen=True)
class DUDEBenchmark:
    """All questions of the validation split; the answers of the test split are withheld.

    There is no official prompt for these models; ours asks for the forms that the official scorer reads.

    Source: https://github.com/Jordy-VL/DUDEeval/blob/8bd6deac/gt/DUDE_demo_gt.json (format).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "dude"
    split: Literal["val", "train"] = "val"
    max_pages: int = 120
    """Pages shown of a document: the first ones."""

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions of the split, in the file's order.

        Raises:
            ConfigError: the questions or the PDFs are not in the data root.
            DataError: the file of questions is not JSON, or has no list `data`.
        """
        path = DATA.file(inputs, QUESTIONS)
        folder = f"{DOCUMENTS}/{self.split}"
        files = FileImages(DATA.file(inputs, folder), find_renderer("pymupdf"))
        items = json_file(path, dict).get("data")
        if not isinstance(items, list):
            raise DataError(f"{path}: no list 'data'; expected the official questions")
        rows = (
            row
            for row in read_rows(json_items(path, items), _Record)
            if isinstance(row, Reject) or row.record.data_split == self.split
        )
        yield from ask(
            rows,
            lambda row: self._sample(row, files, folder, name),
            lambda record: record.questionId or None,
            lambda record: record.cited,
        )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the official ANLS (micro), and that of each type of answer."""
        kinds: dict[str, list[float]] = defaultdict(list)
        for score in scores:
            kinds[str(score.facts.get("kind", ""))].append(score.value)
        found = {kind: fmean(values) for kind, values in sorted(kinds.items()) if kind}
        return {"micro": fmean(score.value for score in scores), **found}

    def _sample(self, row: LocatedRecord[_Record], files: FileImages, folder: str, name: str) -> Sample:
        record = row.record
        document = f"{record.docId}.pdf"
        try:
            pages = files.pages(SCHEME + document)
        except DataError as error:
            raise Refused("document cannot be read", str(error)) from error
        shown = min(pages, self.max_pages)
        evidence = tuple(page for page in record.cited if 0 <= page < shown)
        kind = record.answer_type or "abstractive"
        facts: dict[str, str | float] = {"id": record.questionId, "question": record.question, "kind": kind}
        facts |= page_defects(record.cited, range(shown), 0, pages)
        if evidence:
            facts["depth"] = evidence[0] / max(shown - 1, 1)
        question = Text(f"{_ASKED}\nQuestion: {record.question}")
        return Sample(
            id=f"dude-{row.number}",
            benchmark=name,
            task="dude",
            length=nominal_pages(shown),
            cluster=record.docId,
            prompt=(Message("user", (Pages(f"{SCHEME}{folder}/{document}", 0, shown - 1), question)),),
            gold=Gold(record.answers, kind, evidence),
            facts=facts,
        )


def _pages(boxes: Any) -> Iterator[int]:
    """Yield the pages of the boxes of all answers; an answer has one box, or a list of them."""
    for each in boxes if isinstance(boxes, list) else []:
        if isinstance(each, list):
            yield from _pages(each)
        elif isinstance(each, dict) and isinstance(each.get("page"), int):
            yield each["page"]
