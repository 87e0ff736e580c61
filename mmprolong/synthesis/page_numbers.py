"""One rule for the numbers of pages: counted from 1, or as printed. Every question that names a page states it.

Sheets and printed numbers differ in most books: the front matter is not counted, or counted apart.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from mmprolong.images.documents import Block

COUNTED = "Pages are counted from 1, whatever number is printed on them."
PRINTED = "The number of a page is the one that is printed on it."
UNNUMBERED = "(unnumbered)"
"""In place of the number of a page that shows none: no question may name it."""

_NAMES_PAGE = re.compile(r"\bpages?\b", re.IGNORECASE)
_AT_AN_END = re.compile(r"^(\d{1,5})\b|\b(\d{1,5})$")
_MARGINS = ("header", "footer")
_FEWEST = 3
"""Pages that must agree on where the numbers begin."""


def stated(question: str, printed: bool) -> str:
    """Return a question with the rule for page numbers behind it, if it names a page."""
    return f"{question} {PRINTED if printed else COUNTED}" if _NAMES_PAGE.search(question) else question


def printed_numbers(blocks: Sequence[Block]) -> dict[int, str]:
    """Return the number in the header or footer of each page, where it rises with the pages; others have none."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for block in blocks:
        if block.kind in _MARGINS and (match := _AT_AN_END.search(block.text.strip())):
            found[block.page].add(int(match[1] or match[2]))
    starts = Counter(number - page for page, numbers in found.items() for number in numbers)
    start, agreeing = max(starts.items(), key=lambda pair: pair[1], default=(0, 0))
    if agreeing < _FEWEST:
        return {}
    return {page: str(start + page) for page, numbers in found.items() if start + page in numbers}
