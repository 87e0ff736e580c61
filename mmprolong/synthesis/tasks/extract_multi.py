"""Facts that are printed on at least two pages, put together into a list."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from mmprolong.synthesis.gaps import Gap, number_gaps, pairs, quoted_gaps
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question, interleaved
from mmprolong.synthesis.segments import Segment
from mmprolong.synthesis.tasks.extract_single import abbreviations, first_sentence, readable

_MOST_ITEMS = 8
_TWO = "Answer with a list of two."
_NEAREST, _FARTHEST = 1, 12
"""Pages between two facts that are asked for together."""


@dataclass(frozen=True)
class ExtractMulti:
    """Ask for a list of facts from several pages."""

    version: ClassVar[int] = 4

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions whose answer is collected from several pages of the segment."""
        finders = (_subsections, _captions, _abbreviations, _labels, _beginnings)
        numbers = [_completed("numbers", "numbers", *pair) for pair in pairs(number_gaps(parsed, segment))]
        quoted = [
            _completed("quoted names", "words in quotation marks", *pair)
            for pair in pairs(quoted_gaps(parsed, segment))
        ]
        return interleaved([*(list(find(parsed, segment)) for find in finders), numbers, quoted], rng)


def listed(items: Sequence[str | int]) -> str:
    """Return a list as it is written in an answer: JSON."""
    return json.dumps(list(items), ensure_ascii=False)


def _subsections(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    for index, section in enumerate(parsed.sections):
        parts = [parsed.sections[number] for number in parsed.children(index)]
        pages = tuple(dict.fromkeys(part.first_page for part in parts))
        if not 2 <= len(parts) <= _MOST_ITEMS or len(pages) < 2 or not _inside(segment, (section.first_page, *pages)):
            continue
        if not parsed.anchor(index, -1).startswith("in the section"):
            continue
        yield Question(
            kind="subsections",
            text=f'List the titles of all direct subsections of the section "{section.title}", in order.',
            answer=listed([part.title for part in parts]),
            answer_format="List",
            evidence=tuple(sorted({section.first_page, *pages})),
            sources=("Layout", "Text"),
            quotes=tuple((each.first_page, each.title) for each in (section, *parts)),
        )


def _captions(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    chosen = [each for each in parsed.captions if _inside(segment, (each.page,)) and readable(each)]
    for one, two in combinations(chosen, 2):
        if _NEAREST <= two.page - one.page <= _FARTHEST and first_sentence(one) != first_sentence(two):
            yield Question(
                kind="captions",
                text=f"According to their captions, what do {one.label} and {two.label} show? {_TWO}",
                answer=listed([first_sentence(one), first_sentence(two)]),
                answer_format="List",
                evidence=(one.page, two.page),
                sources=tuple(dict.fromkeys(each.label.split()[0] for each in (one, two))),
                quotes=((one.page, first_sentence(one)), (two.page, first_sentence(two))),
            )


def _abbreviations(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    for (one, _, first), (two, _, second) in combinations(abbreviations(parsed, segment), 2):
        if _NEAREST <= two - one <= _FARTHEST:
            pages = [parsed.number(page) for page in (one, two)]
            names = f'"{first.letters}" (page {pages[0]}) and "{second.letters}" (page {pages[1]})'
            yield Question(
                kind="abbreviations",
                text=f"What do the abbreviations {names} stand for? {_TWO}",
                answer=listed([first.meaning, second.meaning]),
                answer_format="List",
                evidence=(one, two),
                quotes=((one, first.meaning), (two, second.meaning)),
            )


def _completed(kind: str, what: str, one: Gap, two: Gap) -> Question:
    return Question(
        kind=kind,
        text=f'Which {what} are left out of the sentences "{one.text}" and "{two.text}"? {_TWO}',
        answer=listed([one.answer, two.answer]),
        answer_format="List",
        evidence=(one.page, two.page),
        quotes=((one.page, one.sentence), (two.page, two.sentence)),
    )


def _labels(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    for kind in ("Figure", "Table"):
        found = [each for each in parsed.captions if each.label.startswith(kind) and _inside(segment, (each.page,))]
        pages = tuple(dict.fromkeys(each.page for each in found))
        if parsed.complete(kind) and 2 <= len(found) <= _MOST_ITEMS and len(pages) >= 2:
            run = parsed.span(segment.first_page, segment.last_page)
            yield Question(
                kind="pages of labels",
                text=f"Which of {run} of the document carry the caption of a {kind.lower()}? List the page numbers.",
                answer=listed(_numbers(parsed, pages)),
                answer_format="List",
                evidence=pages,
                sources=("Layout", kind),
                quotes=tuple((each.page, each.label) for each in found),
            )


def _beginnings(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    inside = [(index, each) for index, each in enumerate(parsed.sections) if _inside(segment, (each.first_page,))]
    sure = [(index, each) for index, each in inside if parsed.is_sure(index)]
    unique = [each for index, each in sure if parsed.anchor(index, -1).startswith("in the section")]
    for first in range(0, len(unique) - 2, 3):
        three = unique[first : first + 3]
        pages = tuple(each.first_page for each in three)
        if len(set(pages)) >= 2:
            titles = ", ".join(f'"{each.title}"' for each in three)
            yield Question(
                kind="beginnings",
                text=f"On which pages do the sections {titles} begin? List three numbers.",
                answer=listed(_numbers(parsed, pages)),
                answer_format="List",
                evidence=tuple(sorted(set(pages))),
                sources=("Layout",),
                quotes=tuple((each.first_page, each.title) for each in three),
            )


def _numbers(parsed: ParsedDocument, pages: Sequence[int]) -> list[str | int]:
    return [int(number) if number.isdigit() else number for number in map(parsed.number, pages)]


def _inside(segment: Segment, pages: Sequence[int]) -> bool:
    return all(segment.first_page <= page <= segment.last_page for page in pages)
