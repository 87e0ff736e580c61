"""LongDocURL: questions on 30 pages of long documents, each page an image of 72 dpi."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

import msgspec

from mmprolong.conversations import Image, Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, nominal_pages
from mmprolong.evaluation.benchmarks._records import ImageFiles, LocatedRecord, ask, json_lines, page_defects, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("LongDocURL", "Apache-2.0", "https://huggingface.co/datasets/dengchao/LongDocURL")
QUESTIONS = "LongDocURL/LongDocURL_public_with_subtask_category.jsonl"
PAGES = "LongDocURL/pdf_pngs"
_EXPERT = (
    "You are an expert in visual document question-answering, please answer our questions based on the given images.\n"
)
_OFFICIAL_COUNT = 2325


class _Record(msgspec.Struct):
    """One line of the official file."""

    question_id: Any
    question: str
    answer: Any
    answer_format: str
    images: list[str]
    """Paths on the authors' machine; what follows `pdf_pngs/` is ours."""
    doc_no: Any = ""
    evidence_pages: Any = None
    """From 1, of the whole document."""
    evidence_sources: Any = None
    start_end_idx: Any = None
    """First and last page shown, from 1."""
    total_pages: int | None = None
    task_tag: str = ""
    question_type: str = ""

    @property
    def cited(self) -> list[Any]:
        """Pages of the evidence."""
        return self.evidence_pages if isinstance(self.evidence_pages, list) else []


@dataclass(frozen=True)
class LongDocURLBenchmark:
    """All questions, each before its pages.

    Source: https://github.com/dengc2023/LongDocURL/blob/3807c0e5/eval/eval_open_lvlms.py.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "longdocurl"

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the questions, or the folder of the images, are not in the data root.
        """
        path = DATA.file(inputs, QUESTIONS)
        DATA.file(inputs, PAGES)
        assert inputs.data_root is not None
        images = ImageFiles(inputs.data_root, PAGES)
        rows = read_rows(json_lines(path), _Record)
        yield from ask(
            rows,
            lambda row: _sample(row, images, name),
            lambda record: record.question_id or None,
            lambda record: record.cited,
        )

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the generalised accuracy (micro), the same over all official questions, and that of each kind of task.

        Source: https://github.com/dengc2023/LongDocURL/blob/3807c0e5/utils/calculate_metrics.py.
        """
        kinds: dict[str, list[float]] = defaultdict(list)
        for score in scores:
            kinds[str(score.facts.get("kind", "")).lower()].append(score.value)
        total = sum(score.value for score in scores)
        found = {"micro": total / len(scores), "rectified": total / _OFFICIAL_COUNT}
        return found | {kind: fmean(values) for kind, values in sorted(kinds.items()) if kind}


def _sample(row: LocatedRecord[_Record], files: ImageFiles, name: str) -> Sample:
    record = row.record
    shown = files.images(page.rpartition("pdf_pngs/")[2].lstrip("/") for page in record.images)
    numbers = [_number(image) for image in shown]
    wanted = {page - 1 for page in record.cited if isinstance(page, int)}
    evidence = tuple(place for place, number in enumerate(numbers) if number in wanted)
    question = Text(f"{_EXPERT}Following is our question: \n<question>{record.question}</question>\n")
    pages: list[Text | Image] = []
    for place, image in enumerate(shown, 1):
        pages += [Text(f"Below is the {place}-th image (total {len(shown)} images).\n"), image]
    facts: dict[str, str | float] = {
        "id": str(record.question_id),
        "question": record.question,
        "kind": record.task_tag,
        "evidence": ", ".join(map(str, record.evidence_sources or ())),
    }
    facts |= page_defects(record.cited, {number + 1 for number in numbers}, 1, record.total_pages)
    if evidence:
        facts["depth"] = evidence[0] / max(len(shown) - 1, 1)
    return Sample(
        id=f"longdocurl-{row.number}",
        benchmark=name,
        task="longdocurl",
        length=nominal_pages(len(shown)),
        cluster=str(record.doc_no),
        prompt=(Message("user", (question, *pages)),),
        gold=Gold(record.answer, record.answer_format, evidence),
        facts=facts,
    )


def _number(image: Image) -> int:
    """Return the number of a page in its document, from 0, by its file's name ('4055915_41.png')."""
    number = image.source.rpartition("_")[2].partition(".")[0]
    return int(number) if number.isdecimal() else -1
