"""Facts of one page, asked by a vision-language model that sees the pages of a segment.

Source: arXiv 2605.13831, section 4.2 and appendix D.3 (extract-single). Written from scratch after the paper's
description of its prompt; the wording, the exemplars and the checks are ours.
"""

import json
import re
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec
import numpy as np

from mmprolong.conversations import Image, Message, Text
from mmprolong.llm.requests import Flow, Request, structured
from mmprolong.records import Reject, Segment
from mmprolong.synthesis.parsed_document import ParsedDocument, plain
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.verify import find_flaw

_LONGEST_ANSWER = 200
"""[characters]; the benchmarks ask for a phrase or a sentence."""
_DRAWS = 2**31
_PAGES = re.compile(r"\bpages?\s+((?:\d+\W*(?:(?:and|to|through)\s+)?)+)", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:across|throughout) (?:the|this) (?:document|file|pdf)\b|\b(?:whole|entire) (?:document|file|pdf)\b", re.I
)
_NUMBERED = re.compile(r"^(?:\d+|[A-Z])(?:\.\d+)*\.?\s+")


class Written(msgspec.Struct, forbid_unknown_fields=True):
    """The model's reply. The evidence comes first, so that the question is written on it."""

    evidence: str
    question: str
    answer: str | int | float | list[str | int | float]
    answer_format: Literal["String", "Integer", "Float", "List"]
    evidence_pages: list[int]
    """Numbers from 1, as the prompt names the pages."""
    evidence_sources: list[Literal["Text", "Layout", "Figure", "Table"]]


@dataclass(frozen=True)
class ExtractSingleByModel:
    """One question a call, answered by one page."""

    exemplars: int = 2
    """Examples in the prompt, drawn from a pool of four."""

    version: ClassVar[int] = 1

    def write(
        self, document: ParsedDocument, segment: Segment, rng: np.random.Generator
    ) -> Flow[list[Question | Reject]]:
        """Ask for one question on the segment and check it."""
        request = Request(
            messages=self._prompt(segment, document.document.first_page, rng), draw=int(rng.integers(_DRAWS))
        )
        written = yield from structured(request, Written)
        question = _question(written)
        reason = _flaw(written, document, segment) or find_flaw(question, document)
        if not reason:
            return [question]
        pages = f"pages {segment.first_page + 1}-{segment.last_page + 1}"
        detail = msgspec.json.encode(written).decode()
        return [Reject(what=f"{document.document.source}: extract_single on {pages}", reason=reason, detail=detail)]

    def _prompt(self, segment: Segment, begins: int, rng: np.random.Generator) -> tuple[Message]:
        chosen = sorted(rng.choice(len(_EXEMPLARS), min(self.exemplars, len(_EXEMPLARS)), replace=False))
        examples = "".join(_EXAMPLE.format(*_shown(_EXEMPLARS[index])) for index in chosen)
        first, last = segment.first_page + 1, segment.last_page + 1
        parts: list[Text | Image] = [Text(_TASK + examples + _CASE.format(first=first, last=last))]
        for page in range(segment.first_page, segment.last_page + 1):
            parts += [Text(f"Page {page + 1}:"), Image(f"pdf:{segment.document}", begins + page)]
        return (Message("user", tuple(parts)),)


def _question(written: Written) -> Question:
    return Question(
        kind="extract_single",
        text=written.question.strip(),
        answer=_answer(written),
        answer_format=written.answer_format,
        evidence=tuple(page - 1 for page in written.evidence_pages),
        sources=tuple(dict.fromkeys(written.evidence_sources)),
    )


def _answer(written: Written) -> str:
    """Return the answer as text, a list as JSON; empty if it is not of the format that it claims."""
    answer = written.answer
    if isinstance(answer, list):
        return json.dumps(answer, ensure_ascii=False) if answer and written.answer_format == "List" else ""
    numbers = {"Integer": r"[-+]?\d+", "Float": r"[-+]?\d*\.?\d+", "String": r".*", "List": r"(?!)"}
    text = str(answer).strip()
    return text if re.fullmatch(numbers[written.answer_format], text, re.DOTALL) else ""


def _flaw(written: Written, document: ParsedDocument, segment: Segment) -> str:
    """Return why a question must not be used, short so that it can be counted; empty if it may."""
    if len(set(written.evidence_pages)) != 1:
        return "evidence is not one page"
    page = written.evidence_pages[0] - 1
    if not segment.first_page <= page <= segment.last_page:
        return "evidence outside the segment"
    if not written.evidence_sources:
        return "evidence of no kind"
    if not 0 < len(_answer(written)) <= _LONGEST_ANSWER:
        return "answer too long, or not of its format"
    if _ALL.search(written.question):
        return "question on the whole document"
    return "" if _anchored(written.question, page, document) else "no anchor at the evidence"


def _anchored(question: str, page: int, document: ParsedDocument) -> bool:
    """Return true if the question names pages around `page`, or a section there whose title is unique."""
    named = [int(number) for run in _PAGES.findall(question) for number in re.findall(r"\d+", run)]
    if named:
        return min(named) <= page + 1 <= max(named)
    asked = plain(question)
    titles = [plain(section.title) for section in document.sections]
    return any(
        titles.count(title) == 1
        and section.first_page <= page <= section.last_page
        and any(f"{name} section" in asked or f"section {name}" in asked for name in _names(section.title))
        for title, section in zip(titles, document.sections, strict=True)
    )


def _names(title: str) -> tuple[str, str]:
    """Return a title with its number and without."""
    return plain(title), plain(_NUMBERED.sub("", title))


def _shown(exemplar: tuple[int, int, Written]) -> tuple[int, int, str]:
    first, last, written = exemplar
    return first, last, msgspec.json.encode(written).decode()


_TASK = """\
You are an expert in writing questions and answers on documents. You are shown consecutive pages of a longer document.
Write one question and its answer.

Task: information extraction. Ask for something that is directly visible: a fact, an entity, a number, a list, the \
steps of a procedure. Pick one page; the question must be answerable from this page alone, without any reference to \
another.

Rules:
- The answer must be certain, and follow from the pages shown and from nothing else.
- The question is asked later about the complete document. Say in it where to look: a section ("in the Introduction \
section") or pages ("on page 10"). Never say "across the document" or "the whole file".
- A page's number is the one written before its image ("Page 10:"), not one that is printed on the page.
- The answer must not stand in the question.
- The answer is short: a word, a phrase, a number or a list. Its format is String, Integer, Float or List.

Reply with one JSON object: `evidence` (quote the text or describe the element that holds the answer), `question`, \
`answer`, `answer_format`, `evidence_pages` (a list of one page number), `evidence_sources` (of Text, Layout, Figure, \
Table).
"""
_EXAMPLE = """
Example, for pages {} to {}:
{}
"""
_CASE = """
Now the pages {first} to {last}. The question must say where to look within them, for example "in the Methods section" \
or "on page {first}".
"""
_EXEMPLARS = (
    (
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
    (
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
    (
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
    (
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
)
