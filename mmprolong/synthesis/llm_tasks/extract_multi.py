"""Facts of several pages, put together; asked by a vision-language model that sees the pages of a segment.

Source: arXiv 2605.13831, section 4.2 and appendix D.3 (extract-multi).
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
class ExtractMultiByModel:
    """One question a call, answered by two pages or more; by one where none links pages, as the paper has it."""

    exemplars: int = 2

    version: ClassVar[int] = 2

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for one question on the segment and check it."""
        written = yield from structured(request_of(PROMPT, document, segment, self.exemplars, rng), Written)
        several = len(set(written.evidence_pages)) > 1
        question = question_of("extract_multi" if several else "one page", written, document, segment)
        reason = find_flaw_of_reply(question, document, segment)
        checked = "" if reason else find_unprinted(question, document)
        if checked:
            return [replace(question, checked=checked)]
        return [reject("extract_multi", reason or "answer not printed on its page", written, document, segment)]


PROMPT = Prompt(
    task="information extraction. Ask for something that is directly visible: facts, entities, numbers, a list, the "
    "steps of a procedure.",
    rules=(
        "Prefer a question that needs two pages or more: a table whose header and row stand on different pages, items "
        "that are listed over several pages, facts on one subject in several sections. Only if no pages are linked so, "
        "ask about a single one.",
        "Name all the pages, or the sections, that the question needs.",
    ),
    fields=FIELDS,
    exemplars=(
        Exemplar(
            4,
            16,
            Written(
                "Page 6 names smoking, page 13 high blood pressure, page 15 lack of exercise as a risk.",
                "Based on pages 6, 13 and 15, which risks does the report name?",
                ["smoking", "high blood pressure", "lack of exercise"],
                "List",
                [6, 13, 15],
                ["Text"],
            ),
        ),
        Exemplar(
            20,
            29,
            Written(
                "Table 4 begins on page 22, where its third column is headed Exports; the row Norway on page 23 has "
                "1,240 there.",
                "In Table 4 on pages 22-23, what are the exports of Norway?",
                "1,240",
                "String",
                [22, 23],
                ["Table"],
            ),
        ),
        Exemplar(
            8,
            17,
            Written(
                'Page 10: "Dr. Amara Okafor leads the clinic in Kano." Page 14: "In Jos, Dr. Musa Bello took over."',
                "According to pages 10 and 14, who leads the clinics in Kano and in Jos?",
                ["Dr. Amara Okafor", "Dr. Musa Bello"],
                "List",
                [10, 14],
                ["Text"],
            ),
        ),
        Exemplar(
            30,
            38,
            Written(
                "Page 31, section Assembly, step 3: fasten the arm with a 5 mm bolt. Page 35, parts: 5 mm bolts are "
                "in bag C.",
                "According to pages 31 and 35, in which bag is the bolt that fastens the arm?",
                "bag C",
                "String",
                [31, 35],
                ["Text", "Table"],
            ),
        ),
    ),
)
