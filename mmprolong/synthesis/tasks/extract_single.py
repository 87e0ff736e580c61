"""One fact that is printed in one place."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import numpy as np

from mmprolong.records import Segment
from mmprolong.synthesis import prose
from mmprolong.synthesis.material import Caption, Material, Passage, sentences
from mmprolong.synthesis.prose import Fact
from mmprolong.synthesis.question import Question, interleaved

_LONGEST_CAPTION = 170
_LAYOUT = 0.3
"""How often questions on places and headings may be asked at all: they are many, and alike."""


def write(material: Material, segment: Segment, rng: np.random.Generator) -> Iterator[Question]:
    """Questions on single facts of the segment, each kind as likely as another."""
    passages = [each for each in material.passages if segment.first_page <= each.page <= segment.last_page]
    captions = [each for each in material.captions if segment.first_page <= each.page <= segment.last_page]
    shown = [_shown(caption) for caption in captions if readable(caption)]
    layout = [[_placed(caption) for caption in captions], list(_headings(material, segment))]
    kinds = [*_facts(material, passages), shown]
    return interleaved(kinds + layout if rng.random() < _LAYOUT else kinds, rng)


def readable(caption: Caption) -> bool:
    """Whether a caption's first sentence is whole, short, plain prose."""
    return 15 <= len(first_sentence(caption)) <= _LONGEST_CAPTION and prose.readable(first_sentence(caption))


def first_sentence(caption: Caption) -> str:
    """What a caption says first, without the full stop; empty if it never stops."""
    return next(sentences(caption.text), "").rstrip(".").strip()


def abbreviations(material: Material, passages: list[Passage]) -> Iterator[tuple[Passage, Fact]]:
    """Abbreviations that the document spells out, wherever it does, in one way only; each at its first place."""
    meanings: defaultdict[str, set[str]] = defaultdict(set)
    first: dict[str, tuple[Passage, Fact]] = {}
    for passage in material.passages:
        for fact in prose.abbreviations(passage.text):
            meanings[fact.cue].add(fact.answer.lower().rstrip("s"))
            first.setdefault(fact.cue, (passage, fact))
    wanted = set(map(id, passages))
    for cue, (passage, fact) in first.items():
        if len(meanings[cue]) == 1 and id(passage) in wanted:
            yield passage, fact


def _facts(material: Material, passages: list[Passage]) -> list[list[Question]]:
    kinds = [
        [_ask(material, passage, fact, "abbreviation", "") for passage, fact in abbreviations(material, passages)],
        [_ask(material, each, fact, "term", fact.cue) for each in passages for fact in prose.terms(each.text)],
    ]
    readers: dict[str, Callable[[str], Iterator[Fact]]] = {
        "function": prose.functions,
        "package": prose.packages,
        "citation": prose.citations,
        "number": prose.blanks,
    }
    texts = [(passage, text) for passage in passages for text in sentences(passage.text) if prose.clean(text)]
    for kind, reader in readers.items():
        kinds.append(
            [_ask(material, passage, fact, kind, fact.cue) for passage, text in texts for fact in reader(text)]
        )
    return kinds


def _ask(material: Material, passage: Passage, fact: Fact, kind: str, cue: str) -> Question:
    anchor = material.anchor(passage.section, passage.page)
    return Question(
        kind=kind,
        text=f"{anchor[0].upper()}{anchor[1:]}, {fact.question}",
        answer=fact.answer,
        answer_format=fact.answer_format,
        evidence=(passage.page,),
        quotes=((passage.page, fact.answer),) if kind != "number" else ((passage.page, fact.cue),),
        cue=cue,
    )


def _headings(material: Material, segment: Segment) -> Iterator[Question]:
    pages = Counter(section.first_page for section in material.sections)
    for section in material.sections:
        page = section.first_page
        if pages[page] == 1 and segment.first_page <= page <= segment.last_page:
            yield Question(
                kind="heading",
                text=f"Which section begins on page {page + 1} of the document?",
                answer=section.title,
                evidence=(page,),
                sources=("Layout", "Text"),
                quotes=((page, section.title),),
            )


def _shown(caption: Caption) -> Question:
    answer = first_sentence(caption)
    return Question(
        kind="caption",
        text=f"According to its caption, what does {caption.label} on page {caption.page + 1} show?",
        answer=answer,
        evidence=(caption.page,),
        sources=(caption.label.split()[0],),
        quotes=((caption.page, answer),),
        cue=f"{caption.label}: {answer}",
    )


def _placed(caption: Caption) -> Question:
    return Question(
        kind="place",
        text=f"On which page of the document, counted from 1, is {caption.label}?",
        answer=str(caption.page + 1),
        answer_format="Integer",
        evidence=(caption.page,),
        sources=("Layout", caption.label.split()[0]),
        quotes=((caption.page, caption.label),),
    )
