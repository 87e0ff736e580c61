"""Titles of headings: one title in two printings, its level, and what the outline says of its subsections."""

import re
from collections import Counter
from collections.abc import Sequence

from mmprolong.images.documents import Heading
from mmprolong.images.shingles import without_signs

NUMBER = re.compile(r"^((?:\d+|[A-Z])(?:\.\d+)*)\.?\s+")
DEEP = 9
"""Level of a heading that neither the outline nor a number places."""
_UNNUMBERED_TOP = re.compile(
    r"(references|bibliography|acknowledge?ments?|abstract|contents|computational details|summary|appendix)\b", re.I
)
_CUT = re.compile(r"[-\u2010]$|\b(?:a|an|and|by|for|of|or|the|with)$")
"""End of a title whose next row was not recognised."""


def letters(title: str) -> str:
    """Return letters and digits alone, lower case."""
    return without_signs(title).lower()


def unnumbered(title: str) -> str:
    """Return the letters of a title without its number."""
    return letters(NUMBER.sub("", title))


def alike(one: str, other: str) -> bool:
    """Tell whether two titles, as letters, are one, or one is most of the other."""
    shorter, longer = sorted((one, other), key=len)
    return bool(shorter) and shorter in longer and 2 * len(shorter) >= len(longer)


def is_cut(title: str) -> bool:
    """Tell whether a title ends in the middle: its rest stands in another row."""
    return bool(_CUT.search(title))


def level_of(title: str, here: Sequence[tuple[str, int]], before: Sequence[tuple[str, int]]) -> int:
    """Return the level of a printed heading.

    Args:
        here: letters and level of the outline's headings on its page.
        before: those on the page before, at whose end the outline may point for one at the top of this page.
    """
    printed = unnumbered(title)
    exact = [level for other, level in (*here, *before) if other and other in (printed, letters(title))]
    partial = [(len(other), level) for other, level in here if alike(printed, other) or alike(letters(title), other)]
    if exact or partial:
        return exact[0] if exact else max(partial)[1]
    numbered = NUMBER.match(title)
    if numbered:
        return numbered[1].count(".") + 1
    return 1 if _UNNUMBERED_TOP.match(title) else DEEP


def subsections_by_title(outline: Sequence[Heading]) -> dict[str, int]:
    """Return the number of direct subsections of each title, without its number, that the outline has once."""
    counts = [0] * len(outline)
    above: list[int] = []
    for index, heading in enumerate(outline):
        while above and outline[above[-1]].level >= heading.level:
            above.pop()
        if above:
            counts[above[-1]] += 1
        above.append(index)
    titles = [unnumbered(heading.title) for heading in outline]
    times = Counter(titles)
    return {title: count for title, count in zip(titles, counts, strict=True) if times[title] == 1}
