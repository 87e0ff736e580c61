"""Sections of a document, by the page and height at which their headings stand."""

from bisect import bisect_right
from collections.abc import Sequence

from mmprolong.records import Heading

_SLACK = 8.0
"""An outline's target may lie this far below the top of its printed heading [pt]."""


def in_reading_order(outline: Sequence[Heading]) -> list[Heading]:
    """The headings by (page, y), as they are met by a reader."""
    return sorted(outline, key=lambda heading: (heading.page, heading.y))


def section_at(outline: Sequence[Heading], page: int, y: float) -> int:
    """Index of the heading under which a point of a page stands; -1 before the first.

    Args:
        outline: in reading order.
        y: top of the block [pt].
    """
    places = [(heading.page, heading.y - _SLACK) for heading in outline]
    return bisect_right(places, (page, y)) - 1


def path_of(outline: Sequence[Heading], index: int) -> tuple[str, ...]:
    """Titles from the top level down to the heading `index`."""
    titles: list[str] = []
    level = outline[index].level + 1
    for heading in reversed(outline[: index + 1]):
        if heading.level < level:
            titles.append(heading.title)
            level = heading.level
    return tuple(reversed(titles))
