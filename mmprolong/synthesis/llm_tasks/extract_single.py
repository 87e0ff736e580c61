"""Facts of one page, asked by a vision-language model that sees the pages of a segment.

Source: arXiv 2605.13831, section 4.2 and appendix D.3 (extract-single).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mmprolong.llm.requests import Flow, structured
from mmprolong.records import Reject
from mmprolong.synthesis.llm_tasks._checks import find_flaw_of_reply, find_unprinted, question_of, reject
from mmprolong.synthesis.llm_tasks._prompt import FIELDS, Exemplar, Prompt, Written, request_of
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment


@dataclass(frozen=True)
class ExtractSingleByModel:
    """One question a call, answered by one page."""

    exemplars: int = 2

    version: ClassVar[int] = 3

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for one question on the segment and check it."""
        written = yield from structured(request_of(PROMPT, document, segment, self.exemplars, rng), Written)
        question = question_of("extract_single", written, document, segment)
        reason = find_flaw_of_reply(question, document, segment)
        if not reason and len(question.evidence) != 1:
            reason = "evidence is not one page"
        checked = "" if reason else find_unprinted(question, document)
        if checked:
            return [replace(question, checked=checked)]
        return [reject("extract_single", reason or "answer not printed on its page", written, document, segment)]


PROMPT = Prompt(
    task="information extraction. Ask for something that is directly visible: a fact, an entity, a number, a list, the "
    "steps of a procedure.",
    rules=("Pick one page; the question must be answerable from this page alone, without any reference to another.",),
    fields=FIELDS,
    exemplars=(
        Exemplar(
            4,
            12,
            Written(
                'Page 7, section Storage: "Opened bottles keep for six weeks in a refrigerator."',
                "In the Storage section, how long do opened bottles keep in a refrigerator?",
                "six weeks",
                "String",
                [7],
                ["Text"],
            ),
        ),
        Exemplar(
            21,
            30,
            Written(
                "Page 24, table of staff by year: the row 2016 has 412 in the column Nurses.",
                "According to the table on page 24, how many nurses worked there in 2016?",
                412,
                "Integer",
                [24],
                ["Table"],
            ),
        ),
        Exemplar(
            2,
            10,
            Written(
                "Page 9, bar chart of yields: the bar of the coated sample ends at 3.5 g.",
                "In the bar chart on page 9, what is the yield of the coated sample in grams?",
                3.5,
                "Float",
                [9],
                ["Figure"],
            ),
        ),
        Exemplar(
            33,
            45,
            Written(
                'Page 40, under "What to bring": a passport, two photographs and a proof of address.',
                "On page 40, what must an applicant bring?",
                ["a passport", "two photographs", "a proof of address"],
                "List",
                [40],
                ["Text", "Layout"],
            ),
        ),
    ),
)
