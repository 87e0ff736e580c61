"""SlideVQA: questions on decks of 20 slides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import fmean
from typing import Any, ClassVar, Literal

import msgspec

from mmprolong.conversations import Message, Text
from mmprolong.evaluation.benchmarks import DataSet, Inputs, nominal_pages
from mmprolong.evaluation.benchmarks._records import ImageFiles, LocatedRecord, ask, json_lines, page_defects, read_rows
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score

DATA = DataSet("SlideVQA", "NTT: evaluation only, no copies", "https://github.com/nttmdlab-nlp/SlideVQA")
_ASKED = "Answer the question about these slides with a single word, number or phrase."


class _Record(msgspec.Struct):
    """One line of the official file."""

    qa_id: Any
    deck_name: str
    image_urls: list[str]
    """Addresses of the slides; the last part is the file's name."""
    question: str
    answer: Any
    evidence_pages: Any = None
    """From 1."""
    reasoning_type: str | None = None
    answer_type: str | None = None
    arithmetic_expression: Any = None

    @property
    def cited(self) -> list[Any]:
        """Slides of the evidence."""
        return self.evidence_pages if isinstance(self.evidence_pages, list) else []


@dataclass(frozen=True)
class SlideVQABenchmark:
    """All questions of one split, each with all slides of its deck; there is no official prompt for these models.

    Source: https://github.com/nttmdlab-nlp/SlideVQA/blob/e1f0bd99/README.md (format).
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "slidevqa"
    split: Literal["test", "dev", "train"] = "test"

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions in the file's order.

        Raises:
            ConfigError: the questions, or the folder of the slides, are not in the data root.
        """
        path = DATA.file(inputs, f"SlideVQA/annotations/qa/{self.split}.jsonl")
        folder = f"SlideVQA/images/{self.split}"
        DATA.file(inputs, folder)
        assert inputs.data_root is not None
        images = ImageFiles(inputs.data_root, folder)
        rows = read_rows(json_lines(path), _Record)
        yield from ask(rows, lambda row: _sample(row, images, name), lambda each: each.qa_id, lambda each: each.cited)

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the official F1 of the answers, and what the scorer gives beside it."""
        beside = {key for score in scores for key in score.also}
        found = {key: fmean(score.also.get(key, 0.0) for score in scores) for key in sorted(beside)}
        return {"micro": fmean(score.value for score in scores), **found}


def _sample(row: LocatedRecord[_Record], images: ImageFiles, name: str) -> Sample:
    record = row.record
    slides = images.images(f"{record.deck_name}/{PurePosixPath(url).name}" for url in record.image_urls)
    evidence = tuple(page - 1 for page in record.cited if isinstance(page, int) and 0 < page <= len(slides))
    facts: dict[str, str | float] = {
        "id": str(record.qa_id),
        "question": record.question,
        "kind": record.reasoning_type or "",
        "evidence": record.answer_type or "",
    }
    facts |= page_defects(record.cited, range(1, len(slides) + 1), 1, len(slides))
    if evidence:
        facts["depth"] = evidence[0] / max(len(slides) - 1, 1)
    return Sample(
        id=f"slidevqa-{row.number}",
        benchmark=name,
        task="slidevqa",
        length=nominal_pages(len(slides)),
        cluster=record.deck_name,
        prompt=(Message("user", (*slides, Text(f"{_ASKED}\nQuestion: {record.question}"))),),
        gold=Gold(record.answer, "F1", evidence),
        facts=facts,
    )
