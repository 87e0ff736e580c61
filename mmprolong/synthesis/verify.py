"""Check a question against the document before anybody learns from it."""

import re

from mmprolong.synthesis.parsed_document import ParsedDocument, plain
from mmprolong.synthesis.question import Question

_LONGEST_ANSWER = 900
_ENDS = " .,;:"


def find_flaw(question: Question, parsed: ParsedDocument) -> str:
    """Return why a question must not be used, in few and countable words; empty if it may."""
    if not question.evidence or not all(0 <= page < parsed.document.pages for page in question.evidence):
        return "evidence is not in the document"
    if any(parsed.document.first_page + page in parsed.document.skipped for page in question.evidence):
        return "evidence on a page of references or contents"
    if question.kind == "transcription":
        return "" if question.answer.strip() else "empty answer"
    if not 0 < len(question.answer) <= _LONGEST_ANSWER:
        return "answer too long or empty"
    if any(page not in question.evidence for page, _ in question.quotes):
        return "quote outside its evidence"
    if any(plain(quote).strip(_ENDS) not in parsed.page_texts[page] for page, quote in question.quotes):
        return "answer not printed on its page"
    if question.cue and sum(text.count(plain(question.cue).strip(_ENDS)) for text in parsed.page_texts) != 1:
        return "ambiguous"
    if not question.choice and _given_away(question):
        return "answer in the question"
    return "count differs" if question.recount and _recount(question, parsed) != question.answer else ""


def _given_away(question: Question) -> bool:
    answer = plain(question.answer).removesuffix("()")
    return question.answer_format == "String" and bool(
        re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", plain(question.text))
    )


def _recount(question: Question, parsed: ParsedDocument) -> str:
    """Count once more, from the printed text instead of the layout."""
    assert question.recount is not None
    pattern, first, last = question.recount
    found = {match for page in range(first, last + 1) for match in re.findall(pattern, parsed.page_texts[page])}
    return str(len(found))
