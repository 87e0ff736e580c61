"""Counts, differences and comparisons over at least two places; the answer is printed nowhere."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from mmprolong.synthesis.gaps import Gap, number_gaps, pairs
from mmprolong.synthesis.parsed_document import Caption, ParsedDocument
from mmprolong.synthesis.question import Question, interleaved
from mmprolong.synthesis.segments import Segment

_YEAR = re.compile(r"\(((?:19|20)\d\d)[a-z]?\)[.,]")
_FEWEST_REFERENCES = 8
_MOST_COUNTED = 12


@dataclass(frozen=True)
class Reasoning:
    """Ask for a conclusion from several places."""

    version: ClassVar[int] = 4

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions whose answer is computed from several places of the segment."""
        return interleaved(
            [
                list(_counts(parsed, segment)),
                list(_differences(parsed, segment)),
                list(_most_subsections(parsed, segment)),
                list(_more_captions(parsed, segment)),
                [each for each in _references(parsed) if _inside(segment, each.evidence)],
                list(_page_gaps(parsed, segment)),
                list(_numbers(parsed, segment)),
            ],
            rng,
        )


def _counts(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    run = parsed.span(segment.first_page, segment.last_page)
    for kind in ("Figure", "Table"):
        found = _captions(parsed, segment, kind)
        pages = tuple(sorted({each.page for each in found}))
        if parsed.complete(kind) and len(found) >= 2 and len(pages) >= 2:
            yield Question(
                kind="count",
                checked="computed",
                text=f"How many captioned {kind.lower()}s are there on {run} of the document?",
                answer=str(len(found)),
                answer_format="Integer",
                evidence=pages,
                sources=(kind, "Layout"),
                quotes=tuple((each.page, each.label) for each in found),
                recount=(rf"\b{kind.lower()} (\d+)[:.] ", segment.first_page, segment.last_page),
            )


def _differences(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    figures, tables = (_captions(parsed, segment, kind) for kind in ("Figure", "Table"))
    difference = len(figures) - len(tables)
    if not figures or not tables or not difference or not (parsed.complete("Figure") and parsed.complete("Table")):
        return
    more, fewer = ("figures", "tables") if difference > 0 else ("tables", "figures")
    run = parsed.span(segment.first_page, segment.last_page)
    pages = tuple(sorted({each.page for each in figures + tables}))
    if len(pages) >= 2:
        yield Question(
            kind="difference",
            checked="computed",
            text=f"How many more captioned {more} than captioned {fewer} are there on {run} of the document?",
            answer=str(abs(difference)),
            answer_format="Integer",
            evidence=pages,
            sources=("Figure", "Table"),
            quotes=tuple((each.page, each.label) for each in figures + tables),
        )


def _most_subsections(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    named = [
        (index, parsed.children(index))
        for index, section in enumerate(parsed.sections)
        if segment.first_page <= section.first_page and section.last_page <= segment.last_page
        if parsed.anchor(index, -1).startswith("in the section")
    ]
    parents = [(index, parts) for index, parts in named if len(parts) >= 2]
    for index, parts in parents:
        section = parsed.sections[index]
        pages = {section.first_page, *(parsed.sections[part].first_page for part in parts)}
        if len(parts) >= 3 and len(pages) >= 2:
            yield _subsection_count(parsed, index, parts, pages)
    for group in combinations(parents, 2):
        yield from _compared(parsed, group)


def _subsection_count(parsed: ParsedDocument, index: int, parts: Sequence[int], pages: set[int]) -> Question:
    return Question(
        kind="subsection count",
        checked="computed",
        text=f'How many direct subsections does the section "{parsed.sections[index].title}" have?',
        answer=str(len(parts)),
        answer_format="Integer",
        evidence=tuple(sorted(pages)),
        sources=("Layout", "Text"),
        quotes=tuple((parsed.sections[each].first_page, parsed.sections[each].title) for each in (index, *parts)),
    )


def _compared(parsed: ParsedDocument, group: Sequence[tuple[int, Sequence[int]]]) -> Iterator[Question]:
    one, two = (parsed.sections[index] for index, _ in group)
    difference = len(group[0][1]) - len(group[1][1])
    if not difference or one.level != two.level:
        return
    parts = [parsed.sections[part] for _, numbers in group for part in numbers]
    yield Question(
        kind="comparison",
        checked="computed",
        text=f'Which section has more direct subsections, "{one.title}" or "{two.title}"?',
        answer=(one if difference > 0 else two).title,
        evidence=tuple(sorted({one.first_page, two.first_page, *(part.first_page for part in parts)})),
        sources=("Layout", "Text"),
        quotes=tuple((each.first_page, each.title) for each in (one, two, *parts)),
        choice=True,
    )


def _more_captions(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    """Yield how many more figures one section has than another; only where every figure's place is certain."""
    if not parsed.complete("Figure"):
        return
    figures = _captions(parsed, segment, "Figure")
    tops = [
        index
        for index, section in enumerate(parsed.sections)
        if section.level == 1 and not _is_bibliography(section.title)
    ]
    counted = {top: [each for each in figures if parsed.within(each.section, top)] for top in tops}
    for one, two in combinations([top for top in tops if counted[top] and _whole(parsed, segment, top)], 2):
        difference = len(counted[one]) - len(counted[two])
        first, second = (one, two) if difference > 0 else (two, one)
        if difference and not _at_border(parsed, counted[one] + counted[two]):
            yield Question(
                kind="figure difference",
                checked="computed",
                text=f'How many more figures are there in the section "{parsed.sections[first].title}" than in the '
                f'section "{parsed.sections[second].title}"?',
                answer=str(abs(difference)),
                answer_format="Integer",
                evidence=tuple(sorted({each.page for each in counted[one] + counted[two]})),
                sources=("Figure", "Layout"),
                quotes=tuple((each.page, each.label) for each in counted[one] + counted[two]),
            )


def _page_gaps(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    named = [
        section
        for index, section in enumerate(parsed.sections)
        if section.level == 1 and segment.first_page <= section.first_page <= segment.last_page
        if parsed.anchor(index, -1).startswith("in the section") and not _is_bibliography(section.title)
        if parsed.is_sure(index)
    ]
    for one, two in combinations(named, 2):
        gap = two.first_page - one.first_page
        if gap >= 2:
            yield Question(
                kind="page gap",
                checked="computed",
                text=f'How many pages after the page on which the section "{one.title}" begins does the section '
                f'"{two.title}" begin?',
                answer=str(gap),
                answer_format="Integer",
                evidence=(one.first_page, two.first_page),
                sources=("Layout", "Text"),
                quotes=((one.first_page, one.title), (two.first_page, two.title)),
            )


def _numbers(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    for one, two in pairs(number_gaps(parsed, segment)):
        difference = one.value - two.value if one.value is not None and two.value is not None else 0
        left_out = f'One number is left out of the sentence "{one.text}" and one of the sentence "{two.text}"'
        larger = one if difference > 0 else two
        if difference and one.unit == two.unit:
            asked = f"{left_out} Which is the larger number?"
            yield _compared_numbers("number comparison", asked, larger.answer, one, two)
            asked = f"{left_out} By how much is the larger number greater than the smaller one?"
            yield _compared_numbers("number difference", asked, f"{abs(difference)}", one, two)


def _compared_numbers(kind: str, text: str, answer: str, one: Gap, two: Gap) -> Question:
    return Question(
        kind=kind,
        checked="computed",
        text=text,
        answer=answer,
        answer_format="Float" if "." in answer else "Integer",
        evidence=(one.page, two.page),
        quotes=((one.page, one.sentence), (two.page, two.sentence)),
    )


def _references(parsed: ParsedDocument) -> Iterator[Question]:
    index = next((n for n, each in enumerate(parsed.sections) if _is_bibliography(each.title)), None)
    if index is None:
        return
    entries = [
        (passage.page, year)
        for passage in parsed.passages
        if passage.section == index
        for year in _YEAR.findall(passage.text)
    ]
    pages = sorted({page for page, _ in entries})
    if len(entries) < _FEWEST_REFERENCES or len(pages) < 2:
        return
    years = [int(year) for _, year in entries]
    ends = (min(years), max(years))
    place = f"the reference list on {parsed.span(pages[0], pages[-1])}"
    yield _reference(
        f"How many years lie between the oldest and the newest entry of {place}?",
        ends[1] - ends[0],
        [(page, year) for page, year in entries if int(year) in ends],
        "reference span",
    )
    for year, count in Counter(year for _, year in entries).items():
        cited = [(page, other) for page, other in entries if other == year]
        if 2 <= count <= _MOST_COUNTED:
            yield _reference(f"How many entries of {place} appeared in {year}?", count, cited, "reference count")


def _reference(text: str, answer: int, entries: Sequence[tuple[int, str]], kind: str) -> Question:
    return Question(
        kind=kind,
        checked="computed",
        text=text,
        answer=str(answer),
        answer_format="Integer",
        evidence=tuple(sorted({page for page, _ in entries})),
        quotes=tuple(dict.fromkeys(entries)),
    )


def _is_bibliography(title: str) -> bool:
    return re.sub(r"[^a-z]", "", title.lower()) in ("references", "bibliography")


def _captions(parsed: ParsedDocument, segment: Segment, kind: str) -> list[Caption]:
    return [
        each
        for each in parsed.captions
        if each.label.startswith(kind) and segment.first_page <= each.page <= segment.last_page
    ]


def _whole(parsed: ParsedDocument, segment: Segment, index: int) -> bool:
    section = parsed.sections[index]
    inside = segment.first_page <= section.first_page and section.last_page <= segment.last_page
    return inside and parsed.is_closed(index)


def _inside(segment: Segment, pages: Sequence[int]) -> bool:
    return all(segment.first_page <= page <= segment.last_page for page in pages)


def _at_border(parsed: ParsedDocument, captions: Sequence[Caption]) -> bool:
    """Tell whether a figure stands on a page where a section begins: it may have floated out of its own."""
    starts = {section.first_page for section in parsed.sections if section.level == 1}
    return any(each.page in starts for each in captions)
