"""One fact that is printed in one place: numbers, quoted names, captions, headings, places, abbreviations."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmprolong.synthesis import prose
from mmprolong.synthesis.gaps import Gap, number_gaps, quoted_gaps
from mmprolong.synthesis.parsed_document import Caption, ParsedDocument, sentences
from mmprolong.synthesis.question import Question, interleaved
from mmprolong.synthesis.segments import Segment

_LONGEST_CAPTION = 170


@dataclass(frozen=True)
class ExtractSingle:
    """Ask for one fact."""

    version: ClassVar[int] = 4

    def questions(self, parsed: ParsedDocument, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
        """Yield questions on single facts of the segment, each kind as likely as another."""
        captions = [each for each in parsed.captions if segment.first_page <= each.page <= segment.last_page]
        shown = [_shown(parsed, caption) for caption in captions if readable(caption)]
        spelt = [_spelt(*found) for found in abbreviations(parsed, segment)]
        numbers = [_completed("number", "number", gap) for gap in number_gaps(parsed, segment)]
        quoted = [_completed("quoted", "word or name in quotation marks", gap) for gap in quoted_gaps(parsed, segment)]
        layout = [[_placed(parsed, caption) for caption in captions], list(_headings(parsed, segment))]
        return interleaved([shown, spelt, numbers, quoted, *layout], rng)


def readable(caption: Caption) -> bool:
    """Tell whether a caption's first sentence is whole, short, plain prose."""
    return 15 <= len(first_sentence(caption)) <= _LONGEST_CAPTION and prose.readable(first_sentence(caption))


def first_sentence(caption: Caption) -> str:
    """Return the first sentence of a caption, without the full stop; empty if it never stops."""
    return next(sentences(caption.text), "").rstrip(".").strip()


def abbreviations(parsed: ParsedDocument, segment: Segment) -> Iterator[tuple[int, str, prose.Abbreviation]]:
    """Yield page, anchor and abbreviation of those that the document spells out in one way only."""
    meanings: defaultdict[str, set[str]] = defaultdict(set)
    first: dict[str, tuple[int, str, prose.Abbreviation]] = {}
    for passage in parsed.passages:
        for found in prose.abbreviations(passage.text):
            meanings[found.letters].add(found.meaning.lower().rstrip("s"))
            first.setdefault(found.letters, (passage.page, parsed.anchor(passage.section, passage.page), found))
    for letters, (page, anchor, found) in first.items():
        if len(meanings[letters]) == 1 and segment.first_page <= page <= segment.last_page:
            yield page, anchor, found


def _spelt(page: int, anchor: str, found: prose.Abbreviation) -> Question:
    return Question(
        kind="abbreviation",
        text=f'{anchor[0].upper()}{anchor[1:]}, what does the abbreviation "{found.letters}" stand for?',
        answer=found.meaning,
        evidence=(page,),
        quotes=((page, found.meaning),),
    )


def _completed(kind: str, what: str, gap: Gap) -> Question:
    return Question(
        kind=kind,
        text=f'{gap.anchor[0].upper()}{gap.anchor[1:]}, which {what} completes this sentence: "{gap.text}"',
        answer=gap.answer,
        answer_format=gap.answer_format,
        evidence=(gap.page,),
        quotes=((gap.page, gap.sentence),),
        cue=gap.sentence,
    )


def _headings(parsed: ParsedDocument, segment: Segment) -> Iterator[Question]:
    pages = Counter(section.first_page for section in parsed.sections)
    pages |= Counter(heading.page for heading in parsed.document.outline)
    for index, section in enumerate(parsed.sections):
        page = section.first_page
        if pages[page] == 1 and segment.first_page <= page <= segment.last_page and parsed.is_sure(index):
            yield Question(
                kind="heading",
                text=f"Which section begins on page {parsed.number(page)} of the document?",
                answer=section.title,
                evidence=(page,),
                sources=("Layout", "Text"),
                quotes=((page, section.title),),
            )


def _shown(parsed: ParsedDocument, caption: Caption) -> Question:
    answer = first_sentence(caption)
    return Question(
        kind="caption",
        text=f"According to its caption, what does {caption.label} on page {parsed.number(caption.page)} show?",
        answer=answer,
        evidence=(caption.page,),
        sources=(caption.label.split()[0],),
        quotes=((caption.page, answer),),
        cue=f"{caption.label}: {answer}",
    )


def _placed(parsed: ParsedDocument, caption: Caption) -> Question:
    return Question(
        kind="place",
        text=f"On which page of the document is {caption.label}?",
        answer=parsed.number(caption.page),
        answer_format="Integer",
        evidence=(caption.page,),
        sources=("Layout", caption.label.split()[0]),
        quotes=((caption.page, caption.label),),
    )
