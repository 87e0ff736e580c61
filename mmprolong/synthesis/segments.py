"""Runs of consecutive sections, the stretch of a document that a question is asked on.

Source: arXiv 2605.13831, section 4.2: consecutive sections whose span is 8 to 15 pages.
"""

from collections.abc import Iterator

from mmprolong.records import Segment
from mmprolong.synthesis.parsed_document import ParsedDocument

SHORTEST, LONGEST = 8, 15


def segments(parsed: ParsedDocument) -> list[Segment]:
    """Return every run of sections of one level that spans 8 to 15 pages; the whole document where there is none."""
    found = list(dict.fromkeys(_runs(parsed)))
    if found:
        return found
    last = parsed.document.pages - 1
    titles = tuple(section.title for section in parsed.sections)
    return [Segment(document=parsed.document.id, first_page=0, last_page=last, anchor=_pages(0, last), headings=titles)]


def _runs(parsed: ParsedDocument) -> Iterator[Segment]:
    for level in (1, 2):
        chosen = [section for section in parsed.sections if section.level == level]
        for start, first in enumerate(chosen):
            for end in range(start, len(chosen)):
                last = max(section.last_page for section in chosen[start : end + 1])
                span = last - first.first_page + 1
                if span > LONGEST:
                    break
                if span >= SHORTEST:
                    run = chosen[start : end + 1]
                    yield Segment(
                        document=parsed.document.id,
                        first_page=first.first_page,
                        last_page=last,
                        anchor=f'in the section "{first.title}"' if len(run) == 1 else _pages(first.first_page, last),
                        headings=tuple(section.title for section in run),
                    )


def _pages(first: int, last: int) -> str:
    return f"on pages {first + 1}-{last + 1}"
