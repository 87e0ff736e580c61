"""Check a question against the document before anybody learns from it."""

import json
import re
from collections.abc import Iterable

from mmprolong.synthesis.page_numbers import UNNUMBERED
from mmprolong.synthesis.parsed_document import ParsedDocument, plain
from mmprolong.synthesis.question import NOT_ANSWERABLE, Question
from mmprolong.synthesis.segments import Segment

_LONGEST_ANSWER = 900
_ENDS = " .,;:"
_FORMATS = {"Integer": re.compile(r"[-+]?\d+"), "Float": re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")}
_SMALL = frozenset(
    ("a", "and", "at", "do", "does", "for", "in", "is", "of", "on", "the", "this", "to", "what", "which")
)
_LONG = 8
"""Letters of a wording that does not stand inside other words by chance."""
_NEAR = 0.8
"""Questions that share so many of their words are one question asked twice."""


def find_flaw(question: Question, parsed: ParsedDocument, segment: Segment | None = None) -> str:
    """Return why a question must not be used, in few and countable words; empty if it may.

    Args:
        segment: the evidence must lie in it; none: anywhere in the document.
    """
    if UNNUMBERED in question.text or UNNUMBERED in question.answer:
        return "page shows no number"
    if question.answer_format == "None":
        return _flaw_of_absence(question, parsed)
    if not question.evidence or not all(0 <= page < parsed.document.pages for page in question.evidence):
        return "evidence is not in the document"
    if question.kind == "transcription":
        if parsed.unordered & set(question.evidence):
            return "reading order is not known"
        return "" if question.answer.strip() else "empty answer"
    if parsed.skipped & set(question.evidence):
        return "evidence on a page that is left out"
    if segment and not all(segment.first_page <= page <= segment.last_page for page in question.evidence):
        return "evidence outside the segment"
    if not 0 < len(question.answer) <= _LONGEST_ANSWER:
        return "answer too long or empty"
    if not has_format(question.answer, question.answer_format):
        return "answer is not of its format"
    return _flaw_of_text(question, parsed)


def has_format(answer: str, answer_format: str) -> bool:
    """Tell whether an answer is what its format says."""
    if answer_format == "List":
        return bool(items_of(answer))
    return answer_format not in _FORMATS or bool(_FORMATS[answer_format].fullmatch(answer))


def items_of(answer: str) -> list[str]:
    """Return the items of a list that is written as JSON; none if it is no list."""
    try:
        items = json.loads(answer)
    except ValueError:
        return []
    return [str(item) for item in items] if isinstance(items, list) else []


def given_away(question: str, answer: str, answer_format: str) -> bool:
    """Tell whether a question holds its answer: the words, the number, or all items of the list."""
    asked = plain(question)
    items = items_of(answer) if answer_format == "List" else [answer]
    return bool(items) and all(_holds(asked, plain(item).removesuffix("()")) for item in items)


def find_repeat(question: Question, earlier: Iterable[Question]) -> str:
    """Return whether a question was asked before on the same document, in the same or in nearly the same words."""
    for other in earlier:
        if plain(other.text) == plain(question.text):
            return "duplicate question"
        alike = other.evidence == question.evidence or other.answer == question.answer
        if question.kind != "transcription" and alike and _likeness(question.text, other.text) >= _NEAR:
            return "near-duplicate question"
    return ""


def _flaw_of_text(question: Question, parsed: ParsedDocument) -> str:
    if any(page not in question.evidence for page, _ in question.quotes):
        return "quote outside its evidence"
    if any(plain(quote).strip(_ENDS) not in parsed.page_texts[page] for page, quote in question.quotes):
        return "answer not printed on its page"
    if question.cue and sum(text.count(plain(question.cue).strip(_ENDS)) for text in parsed.page_texts) != 1:
        return "ambiguous"
    if not question.choice and given_away(question.text, question.answer, question.answer_format):
        return "answer in the question"
    return "count differs" if question.recount and _recount(question, parsed) != question.answer else ""


def _flaw_of_absence(question: Question, parsed: ParsedDocument) -> str:
    """Return why it is not certain that the document does not answer the question."""
    if question.answer != NOT_ANSWERABLE or question.evidence or not question.absent:
        return "absence is not stated"
    if not all(parsed.page_texts):
        return "absence cannot be verified: a page has no text"
    printed = any(is_printed(wording, text) for wording in question.absent for text in parsed.page_texts)
    return "not absent" if printed else ""


def is_printed(wording: str, page_text: str) -> bool:
    """Tell whether a page prints a wording; long ones also across hyphens and with other spaces."""
    letters = letters_of(wording)
    broken = len(letters) >= _LONG and letters in letters_of(page_text)
    return broken or not letters or bool(re.search(rf"(?<!\w){re.escape(plain(wording))}(?!\w)", page_text))


def letters_of(text: str) -> str:
    """Return letters and digits alone, lower case: line breaks, hyphens and accents' spaces do not hide a wording."""
    return re.sub(r"[\W_]+", "", text).lower()


def _holds(asked: str, answer: str) -> bool:
    return bool(answer) and bool(re.search(rf"(?<![\w.]){re.escape(answer)}(?!\w|[.,]\d)", asked))


def _likeness(one: str, other: str) -> float:
    words = [set(re.findall(r"\w+", plain(text))) - _SMALL for text in (one, other)]
    return len(words[0] & words[1]) / max(len(words[0] | words[1]), 1)


def _recount(question: Question, parsed: ParsedDocument) -> str:
    """Count once more, from the printed text instead of the layout."""
    assert question.recount is not None
    pattern, first, last = question.recount
    found = {match for page in range(first, last + 1) for match in re.findall(pattern, parsed.page_texts[page])}
    return str(len(found))
