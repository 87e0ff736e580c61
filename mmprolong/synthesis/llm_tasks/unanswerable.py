"""Questions that sound like the document's own but that no page answers; the absence is verified in its text.

The model alters an answerable question, and names the words that would have to be printed if it had an answer.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec
import numpy as np

from mmprolong.llm.requests import Flow, structured
from mmprolong.records import Reject
from mmprolong.synthesis.llm_tasks._checks import reject
from mmprolong.synthesis.llm_tasks._prompt import Exemplar, Prompt, request_of
from mmprolong.synthesis.parsed_document import ParsedDocument, plain
from mmprolong.synthesis.question import NOT_ANSWERABLE, Question
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.verify import find_flaw


class Altered(msgspec.Struct, forbid_unknown_fields=True):
    """A model's reply; the question comes last, so that it is written on what stands before it."""

    evidence: str
    answerable_question: str
    missing: str
    question: str


@dataclass(frozen=True)
class UnanswerableByModel:
    """One question a call, answered nowhere."""

    exemplars: int = 2

    version: ClassVar[int] = 2

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for one question on the segment and check that what it asks about is in no page's text."""
        written = yield from structured(request_of(PROMPT, document, segment, self.exemplars, rng), Altered)
        question = Question(
            kind="unanswerable",
            text=written.question.strip(),
            answer=NOT_ANSWERABLE,
            answer_format="None",
            evidence=(),
            sources=(),
            absent=(written.missing,),
            checked="absent",
        )
        reason = "" if plain(written.missing) in plain(question.text) else "question does not name what is missing"
        if plain(written.answerable_question) == plain(question.text):
            reason = "question was not altered"
        reason = reason or find_flaw(question, document, segment)
        return [reject("unanswerable", reason, written, document, segment)] if reason else [question]


PROMPT = Prompt(
    task="an unanswerable question. Draft a question that the pages answer, then alter it so that no page does: "
    "another year, name, product, place or quantity of the same kind, which the document never mentions.",
    rules=(
        "The altered question must sound as if the document answered it.",
        "`missing` is the new word or phrase, exactly as it stands in the altered question; the document must not "
        "contain it.",
    ),
    fields={
        "evidence": "quote what the answerable question rests on",
        "answerable_question": "",
        "missing": "the words that the document does not contain",
        "question": "the altered one",
    },
    exemplars=(
        Exemplar(
            21,
            30,
            Altered(
                "Table of staff on page 24: nurses by year, 2012 to 2016.",
                "According to the table on page 24, how many nurses worked there in 2016?",
                "2019",
                "According to the table on page 24, how many nurses worked there in 2019?",
            ),
        ),
        Exemplar(
            4,
            12,
            Altered(
                'Page 7: "Opened bottles keep for six weeks in a refrigerator."',
                "In the Storage section, how long do opened bottles keep in a refrigerator?",
                "opened cans",
                "In the Storage section, how long do opened cans keep in a refrigerator?",
            ),
        ),
        Exemplar(
            8,
            17,
            Altered(
                'Page 10: "Dr. Amara Okafor leads the clinic in Kano."',
                "According to page 10, who leads the clinic in Kano?",
                "Abuja",
                "According to page 10, who leads the clinic in Abuja?",
            ),
        ),
    ),
)
