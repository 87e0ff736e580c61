"""Checks of a question that a model wrote: its anchor, its place, its answer as far as the text layer tells."""

import ast
import json
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

import msgspec

from mmprolong.records import Reject
from mmprolong.synthesis.page_numbers import UNNUMBERED
from mmprolong.synthesis.parsed_document import ParsedDocument, plain
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.verify import find_flaw, has_format, is_printed, items_of

_LONGEST_ANSWER = 200
"""[characters]; the benchmarks ask for a phrase or a sentence."""
_PAGES = re.compile(r"\bpages?\s+((?:\d+\W*(?:(?:and|to|through)\s+)?)+)", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:across|throughout) (?:the|this) (?:document|file|pdf)\b|\b(?:whole|entire) (?:document|file|pdf)\b", re.I
)
_NUMBERED = re.compile(r"^(?:\d+|[A-Z])(?:\.\d+)*\.?\s+")
_UNNAMED = re.compile(r"\bthe (figure|chart|graph|diagram|plot|table)\b(?! \d)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class WrittenReply(Protocol):
    """What the replies of all tasks have."""

    @property
    def question(self) -> str: ...
    @property
    def answer(self) -> str | int | float | list[str | int | float]: ...
    @property
    def answer_format(self) -> str: ...
    @property
    def evidence_pages(self) -> Sequence[int]: ...
    @property
    def evidence_sources(self) -> Sequence[str]: ...


def question_of(kind: str, reply: WrittenReply, document: ParsedDocument, segment: Segment) -> Question:
    """Return the question of a reply; pages that the prompt does not number are -1."""
    numbered = {document.number(page): page for page in range(segment.first_page, segment.last_page + 1)}
    return Question(
        kind=kind,
        text=reply.question.strip(),
        answer=answer_of(reply),
        answer_format=reply.answer_format,
        evidence=tuple(sorted({numbered.get(str(page), -1) for page in reply.evidence_pages})),
        sources=tuple(dict.fromkeys(reply.evidence_sources)),
    )


def answer_of(reply: WrittenReply) -> str:
    """Return the answer as text, a list as JSON; empty if it is not of the format that it claims."""
    answer = reply.answer
    if isinstance(answer, list) != (reply.answer_format == "List"):
        return ""
    text = json.dumps(answer, ensure_ascii=False) if isinstance(answer, list) else str(answer).strip()
    return text if has_format(text, reply.answer_format) else ""


def find_flaw_of_reply(question: Question, document: ParsedDocument, segment: Segment) -> str:
    """Return why a question must not be used, short so that it can be counted; empty if it may."""
    if -1 in question.evidence or not question.evidence:
        return "evidence outside the segment"
    if not question.sources:
        return "evidence of no kind"
    if not 0 < len(question.answer) <= _LONGEST_ANSWER:
        return "answer too long, or not of its format"
    if segment.anchor and _ALL.search(question.text):
        return "question on the whole document"
    if segment.anchor and not all(is_anchored(question.text, page, document) for page in question.evidence):
        return "no anchor at the evidence"
    if _names_one_of_several(question, document):
        return "ambiguous"
    return find_flaw(question, document, segment)


def find_unprinted(question: Question, document: ParsedDocument) -> str:
    """Return `printed` if the evidence pages print the answer, `no` if only a reader can tell; else raises nothing.

    An answer that is read from figures, or from pages without text, cannot be checked. Empty: it should be printed
    there, and is not.
    """
    if "Figure" in question.sources or not all(document.page_texts[page] for page in question.evidence):
        return "no"
    items = items_of(question.answer) if question.answer_format == "List" else [question.answer]
    pages = [document.page_texts[page] for page in question.evidence]
    return "printed" if all(any(_prints(item, page) for page in pages) for item in items) else ""


def is_anchored(question: str, page: int, document: ParsedDocument) -> bool:
    """Return true if the question names pages around `page`, or a section there whose title is unique."""
    named = [int(number) for run in _PAGES.findall(question) for number in re.findall(r"\d+", run)]
    number = document.number(page)
    if named and number != UNNUMBERED:
        return min(named) <= int(number) <= max(named)
    asked = plain(question)
    titles = [plain(section.title) for section in document.sections]
    return any(
        titles.count(title) == 1
        and section.first_page <= page <= section.last_page
        and any(f"{name} section" in asked or f"section {name}" in asked for name in _names(section.title))
        for title, section in zip(titles, document.sections, strict=True)
    )


def compute(expression: str) -> Fraction | None:
    """Return the exact value of sums, differences, products and quotients; none if it is anything else."""
    try:
        return _value(ast.parse(re.sub(r"(?<=\d),(?=\d{3}\b)", "", expression), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None


def unprinted_numbers(expression: str, question: Question, document: ParsedDocument) -> Sequence[str]:
    """Return the numbers of a calculation that stand on no evidence page; 1 counts, and stands nowhere."""
    pages = [document.page_texts[page] for page in question.evidence]
    numbers = dict.fromkeys(_NUMBER.findall(expression))
    return [each for each in numbers if each not in ("1", "100") and not any(_prints(each, page) for page in pages)]


def reject(task: str, reason: str, reply: object, document: ParsedDocument, segment: Segment) -> Reject:
    """Return the reject of a reply, which is kept as its detail."""
    where = document.span(segment.first_page, segment.last_page)
    what = f"{document.document.source}: {task} on {where}"
    return Reject(what=what, reason=reason, detail=msgspec.json.encode(reply).decode())


def _prints(item: str, page_text: str) -> bool:
    return is_printed(item, page_text) or is_printed(item.replace(",", ""), page_text.replace(",", ""))


def _names_one_of_several(question: Question, document: ParsedDocument) -> bool:
    """Tell whether a question says "the table" where the evidence page has several."""
    kinds = {"Table" if word.lower() == "table" else "Figure" for word in _UNNAMED.findall(question.text)}
    return any(
        sum(each.page == page and each.label.startswith(kind) for each in document.captions) > 1
        for kind in kinds
        for page in question.evidence
    )


def _names(title: str) -> tuple[str, str]:
    """Return a title with its number and without."""
    return plain(title), plain(_NUMBERED.sub("", title))


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as value):
            return Fraction(str(value))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _value(left) - _value(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _value(left) * _value(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _value(left) / _value(right)
    raise ValueError(ast.dump(node))
