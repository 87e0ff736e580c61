"""Quantities that follow from several facts and are printed nowhere; the model states its calculation, which is redone.

Source: arXiv 2605.13831, section 4.2 and appendix D.3 (reasoning). The calculation is our addition.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Literal

import msgspec
import numpy as np

from mmprolong.llm.requests import Flow, structured
from mmprolong.records import Reject
from mmprolong.synthesis.llm_tasks._checks import compute, find_flaw_of_reply, question_of, reject, unprinted_numbers
from mmprolong.synthesis.llm_tasks._prompt import FIELDS, Exemplar, Prompt, Sources, request_of
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.verify import is_printed

_ROUNDED = Fraction(1, 200)
"""Largest difference, as a share of the value, of an answer that was rounded."""


class Computed(msgspec.Struct, forbid_unknown_fields=True):
    """A reply with the calculation that leads to the answer."""

    evidence: str
    calculation: str
    question: str
    answer: str | int | float | list[str | int | float]
    answer_format: Literal["String", "Integer", "Float", "List"]
    evidence_pages: list[int]
    evidence_sources: Sources


@dataclass(frozen=True)
class ReasoningByModel:
    """One question a call, whose answer takes two facts or more."""

    exemplars: int = 2

    version: ClassVar[int] = 2

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for one question on the segment and check it."""
        written = yield from structured(request_of(PROMPT, document, segment, self.exemplars, rng), Computed)
        comparison = written.answer_format == "String"
        question = replace(question_of("reasoning", written, document, segment), choice=comparison)
        reason = find_flaw_of_reply(question, document, segment) or _flaw(written, question, document)
        if reason:
            return [reject("reasoning", reason, written, document, segment)]
        computed = compute(written.calculation) is not None and "Figure" not in question.sources
        return [replace(question, checked="computed" if computed else "no")]


def _flaw(written: Computed, question: Question, document: ParsedDocument) -> str:
    """Return why the calculation does not lead from the evidence to the answer."""
    if question.answer_format not in ("Integer", "Float"):
        return ""
    found = compute(written.calculation)
    if found is None:
        return "calculation cannot be redone"
    if written.calculation.strip().lstrip("+-").replace(".", "").isdigit():
        return "one fact alone"
    wanted = Fraction(question.answer)
    if abs(found - wanted) > (abs(wanted) * _ROUNDED if question.answer_format == "Float" else 0):
        return "calculation gives another answer"
    texts = [document.page_texts[page] for page in question.evidence]
    if "Figure" in question.sources or not all(texts):
        return ""
    if unprinted_numbers(written.calculation, question, document):
        return "calculation takes numbers that are not printed"
    long = len(question.answer.strip("+-")) >= 3  # smaller numbers stand everywhere
    return "answer is printed" if long and any(is_printed(question.answer, text) for text in texts) else ""


PROMPT = Prompt(
    task="quantitative reasoning. Ask for a value that must be calculated, compared or counted.",
    rules=(
        "The answer must combine at least two data points, and must not be printed anywhere itself.",
        "`calculation` is the arithmetic alone, of printed numbers and + - * / ( ), as in `412 - 398`; a count adds 1 "
        "for every item, as in `1 + 1 + 1`; leave it empty for a comparison that is answered by a name.",
    ),
    fields={"evidence": FIELDS["evidence"], "calculation": "", **FIELDS},
    exemplars=(
        Exemplar(
            21,
            30,
            Computed(
                "Table of staff on page 24: 412 nurses in 2016, 398 in 2015.",
                "412 - 398",
                "According to the table on page 24, by how many did the number of nurses grow from 2015 to 2016?",
                14,
                "Integer",
                [24],
                ["Table"],
            ),
        ),
        Exemplar(
            5,
            14,
            Computed(
                "Page 6: consumption 35.4 million tonnes; page 11: imports 20.2 million tonnes, both of rice in 2020.",
                "35.4 - 20.2",
                "According to pages 6 and 11, by how many million tonnes did the consumption of rice exceed imports in "
                "2020?",
                15.2,
                "Float",
                [6, 11],
                ["Text", "Table"],
            ),
        ),
        Exemplar(
            2,
            9,
            Computed(
                "Page 3 lists Oslo and Turku, page 5 Riga, page 8 Gdynia as ports of call.",
                "1 + 1 + 1 + 1",
                "How many ports of call are named on pages 3, 5 and 8?",
                4,
                "Integer",
                [3, 5, 8],
                ["Text"],
            ),
        ),
        Exemplar(
            40,
            48,
            Computed(
                "Line chart on page 42: the North ends at about 80, the South at about 65.",
                "",
                "In the line chart on page 42, which ends higher, the North or the South?",
                "the North",
                "String",
                [42],
                ["Figure"],
            ),
        ),
    ),
)
