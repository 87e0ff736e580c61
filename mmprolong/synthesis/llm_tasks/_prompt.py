"""The prompt that all tasks share, with slots for the task, its rules, exemplars and the pages; and the reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from mmprolong.conversations import Image, Message, Text
from mmprolong.llm.requests import Request
from mmprolong.synthesis.page_numbers import UNNUMBERED
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.segments import Segment

Sources = list[Literal["Text", "Layout", "Figure", "Table"]]
_DRAWS = 2**31


class Written(msgspec.Struct, forbid_unknown_fields=True):
    """A model's reply. The evidence comes first, so that the question is written on it."""

    evidence: str
    question: str
    answer: str | int | float | list[str | int | float]
    answer_format: Literal["String", "Integer", "Float", "List"]
    evidence_pages: list[int]
    """As the prompt numbers the pages."""
    evidence_sources: Sources


class Exemplar(msgspec.Struct, frozen=True):
    """One example of a prompt: the pages that were shown, and a good reply."""

    first: int
    last: int
    reply: msgspec.Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The slots that a task fills."""

    task: str
    rules: Sequence[str]
    fields: Mapping[str, str]
    """Names and meanings of the reply's fields, in their order."""
    exemplars: Sequence[Exemplar]


FIELDS = {
    "evidence": "quote the text, or describe the element, that holds the answer",
    "question": "",
    "answer": "",
    "answer_format": "String, Integer, Float or List",
    "evidence_pages": "a list of page numbers",
    "evidence_sources": "of Text, Layout, Figure, Table",
}


def request_of(
    prompt: Prompt, document: ParsedDocument, segment: Segment, exemplars: int, rng: np.random.Generator
) -> Request:
    """Return the request for one question on a segment.

    Args:
        exemplars: examples that are drawn from the pool of the prompt.
    """
    pool = prompt.exemplars
    chosen = sorted(rng.choice(len(pool), min(exemplars, len(pool)), replace=False))
    span = f"{document.span(segment.first_page, segment.last_page)}"
    fields = ", ".join(f"`{name}` ({told})" if told else f"`{name}`" for name, told in prompt.fields.items())
    common = _COMMON if "answer" in prompt.fields else ()
    rules = (*prompt.rules, *common, _ANCHOR if segment.anchor else _WHOLE, _PRINTED if document.printed else _COUNTED)
    head = _HEAD.format(shown=_SEGMENT if segment.anchor else _DOCUMENT, task=prompt.task)
    text = (
        head
        + "".join(f"- {rule}\n" for rule in rules)
        + f"\nReply with one JSON object: {fields}.\n"
        + "".join(_EXAMPLE.format(*_shown(pool[index])) for index in chosen)
        + (_CASE.format(span=span, anchor=segment.anchor) if segment.anchor else _WHOLE_CASE)
    )
    parts: list[Text | Image] = [Text(text)]
    for page in range(segment.first_page, segment.last_page + 1):
        number = document.number(page)
        parts += [Text("Page without a number:" if number == UNNUMBERED else f"Page {number}:"), document.image(page)]
    return Request(messages=(Message("user", tuple(parts)),), draw=int(rng.integers(_DRAWS)))


def _shown(exemplar: Exemplar) -> tuple[int, int, str]:
    return exemplar.first, exemplar.last, msgspec.json.encode(exemplar.reply).decode()


_SEGMENT = "consecutive pages of a longer document"
_DOCUMENT = "all pages of a document"
_HEAD = """\
You are an expert in writing questions and answers on documents. You are shown {shown}. Write one question and its \
answer.

Task: {task}

Rules:
"""
_COMMON = (
    "The answer must be certain, and follow from the pages shown and from nothing else: nobody who has not read them "
    "can know it.",
    "The answer must not stand in the question.",
    "The answer is short: a word, a phrase, a number or a list. Its format is String, Integer, Float or List.",
)
_ANCHOR = (
    'The question is asked later about the complete document. Say in it where to look: a section ("in the Introduction '
    'section") or pages ("on page 10", "on pages 20-25"). Never say "across the document" or "the whole file".'
)
_WHOLE = (
    "The question is asked about the complete document. It has one answer there; name a section or page only where it "
    "would have several without."
)
_COUNTED = 'A page\'s number is the one written before its image ("Page 10:"), not one that is printed on the page.'
_PRINTED = 'A page\'s number is the one that is printed on it; it is written before its image, too ("Page 10:").'
_EXAMPLE = """
Example, for pages {} to {}:
{}
"""
_CASE = """
Now {span}. The question must say where to look within them, for example "{anchor}".
"""
_WHOLE_CASE = """
Now the document.
"""
