"""Segments: the stretch of a document that a question is asked on, and the words that name it.

Source: arXiv 2605.13831, section 4.2: consecutive sections whose span is 8 to 15 pages. Windows of 2 to 8 pages and
whole documents: NVIDIA's recipe for long documents (DataDesigner 99517ab, vlm-long-document-understanding).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mmprolong.settings.data import Scope
from mmprolong.synthesis.parsed_document import ParsedDocument

SPANS = {"sections": (8, 15), "page": (1, 1), "window": (2, 8)}
"""Fewest and most pages of a segment."""
_DRAWS = 64
"""Page ranges that are drawn of one document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of consecutive sections or pages of one document, with the words that name it."""

    document: str
    first_page: int
    last_page: int
    """Inclusive, index from 0."""
    anchor: str
    """Name of the segment in a question: 'in the section "Methods"', 'on pages 20-25'; empty: the whole document, which
    needs none."""
    headings: tuple[str, ...] = ()


def draw_segments(parsed: ParsedDocument, scope: Scope, rng: np.random.Generator) -> Iterator[Segment]:
    """Yield different segments in random order; of a document that is shorter than a segment, all its pages.

    Documents without headings that are 8 to 15 pages apart are cut into page ranges of that length.
    """
    runs = list(dict.fromkeys(_runs(parsed))) if scope == "sections" else []
    runs = [run for run in runs if _is_asked(parsed, run)]
    if runs:
        yield from (runs[int(index)] for index in rng.permutation(len(runs)))
    elif scope == "document":
        yield replace(page_range(parsed, 0, parsed.document.pages - 1), anchor="")
    elif parsed.document.pages <= SPANS[scope][0]:
        yield page_range(parsed, 0, parsed.document.pages - 1)
    else:
        yield from _ranges(parsed, *SPANS[scope], rng)


def page_range(parsed: ParsedDocument, first: int, last: int) -> Segment:
    """Return pages `first` to `last` as a segment that is named by their numbers."""
    titles = tuple(each.title for each in parsed.sections if first <= each.first_page <= last)
    anchor = f"on {parsed.span(first, last)}"
    return Segment(document=parsed.document.id, first_page=first, last_page=last, anchor=anchor, headings=titles)


def _ranges(parsed: ParsedDocument, shortest: int, longest: int, rng: np.random.Generator) -> Iterator[Segment]:
    pages = parsed.document.pages
    seen = set()
    for _ in range(_DRAWS):
        length = int(rng.integers(shortest, min(longest, pages) + 1))
        first = int(rng.integers(pages - length + 1))
        if (first, length) not in seen:
            seen.add((first, length))
            segment = page_range(parsed, first, first + length - 1)
            if _is_asked(parsed, segment):
                yield segment


def _is_asked(parsed: ParsedDocument, segment: Segment) -> bool:
    return not parsed.skipped.issuperset(range(segment.first_page, segment.last_page + 1))


def _runs(parsed: ParsedDocument) -> Iterator[Segment]:
    """Yield every run of consecutive whole sections of one level that spans 8 to 15 pages."""
    shortest, longest = SPANS["sections"]
    for level in (1, 2):
        chosen = [number for number, section in enumerate(parsed.sections) if section.level == level]
        for start, number in enumerate(chosen):
            first = parsed.sections[number].first_page
            for end in range(start, len(chosen)):
                run = [parsed.sections[each] for each in chosen[start : end + 1]]
                last = max(section.last_page for section in run)
                if last - first + 1 > longest:
                    break
                if last - first + 1 >= shortest:
                    yield Segment(
                        document=parsed.document.id,
                        first_page=first,
                        last_page=last,
                        anchor=parsed.anchor(number, first) if len(run) == 1 else f"on {parsed.span(first, last)}",
                        headings=tuple(section.title for section in run),
                    )
