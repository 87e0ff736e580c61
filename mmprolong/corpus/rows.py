"""Lines that stand side by side, and text joined across lines."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import SOFT_HYPHEN
from mmprolong.images.renderer import Line

_CELL_GAP = 1.2
"""Lines of a row further apart than this many font sizes are cells of a table."""
_LETTER_GAP = 0.1
"""Lines of a row nearer than this many font sizes are one word."""
_UNSPACED_GAP = 0.35
"""The same of Chinese and Japanese."""
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_BROKEN_WORD = re.compile(r"([^\W\d_]{2,})-$")
_LONGEST_WORD = 80
_CONTINUED_WORD = re.compile(r"^([^\W\d_]+)")
_UNSPACED = (
    "\u3000-\u303f\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
"""Scripts that part words by no space: Chinese, Japanese. Korean does."""
_ENDS_UNSPACED = re.compile(f"[{_UNSPACED}]$")
_BEGINS_UNSPACED = re.compile(f"^[{_UNSPACED}]")


class Row:
    """Lines side by side.

    Args:
        lines: from left to right.
    """

    __slots__ = ("box", "cells", "group", "lines", "main", "text")

    def __init__(self, lines: tuple[Line, ...]) -> None:
        first = lines[0]
        self.lines = lines
        self.group = first.group
        """The library's block."""
        self.main = first
        """The longest line; its style is the row's."""
        self.text = first.text
        """All lines, joined by a space where a gap is between them."""
        self.box: Box = first.box
        """x0, y0, x1, y1 [pt]."""
        self.cells: tuple[str, ...] = (first.text,)
        """Texts of the row that are set apart as cells of a table are."""
        if len(lines) > 1:
            self.main = max(lines, key=lambda line: len(line.text))
            self.text = _side_by_side_text(lines)
            self.box = union([line.box for line in lines])
            self.cells = _cells(lines)

    @property
    def height(self) -> float:
        """Height of the box [pt], at least 1."""
        return max(1.0, self.box[3] - self.box[1])


def _side_by_side_text(lines: Sequence[Line]) -> str:
    text = lines[0].text
    for left, right in pairwise(lines):
        gap = right.box[0] - left.box[2]
        limit = _UNSPACED_GAP if _is_unspaced(text, right.text) else _LETTER_GAP
        text += right.text if gap < limit * left.size else f" {right.text}"
    return text


def _cells(lines: Sequence[Line]) -> tuple[str, ...]:
    found = [[lines[0]]]
    for left, right in pairwise(lines):
        if right.box[0] - left.box[2] > _CELL_GAP * left.size:
            found.append([right])
        else:
            found[-1].append(right)
    return tuple(_side_by_side_text(cell) for cell in found)


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Return the rows of a page, in the order of their first lines."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and _side_by_side(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [Row(tuple(sorted(row, key=lambda line: line.box[0])) if len(row) > 1 else (row[0],)) for row in rows]


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around `boxes`."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def overlaps(one: Box, other: Box, share: float = 0.5) -> bool:
    """Tell whether two boxes share more than so much of the lower one's height."""
    if one[3] <= other[1] or other[3] <= one[1]:
        return False
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared > share * min(one[3] - one[1], other[3] - other[1])


def hyphenated_words(lines: Iterable[Line]) -> frozenset[str]:
    """Return the words with a hyphen that is not at a line's end; they keep it where a line breaks there."""
    parts = (part for line in lines if "-" in line.text for part in line.text.split() if "-" in part)
    return frozenset(word.lower() for part in parts for word in _HYPHENATED.findall(part))


def joined(texts: Sequence[str], hyphenated: frozenset[str]) -> str:
    """Join the lines of a paragraph to one text.

    Words broken at a line's end are mended. Chinese and Japanese lines are joined without a space.
    """
    whole = ""
    for text in texts:
        broken = _BROKEN_WORD.search(whole[-_LONGEST_WORD:]) if whole.endswith("-") else None
        continued = _CONTINUED_WORD.match(text) if broken else None
        if whole.endswith(SOFT_HYPHEN):
            whole = whole[:-1] + text
        elif broken and continued and continued[1][0].islower():
            keep = f"{broken[1]}-{continued[1]}".lower() in hyphenated
            whole = (whole if keep else whole[:-1]) + text
        else:
            whole += text if not whole or _is_unspaced(whole, text) else f" {text}"
    return whole.replace(SOFT_HYPHEN, "-")


def _is_unspaced(left: str, right: str) -> bool:
    return (not left.isascii() and bool(_ENDS_UNSPACED.search(left))) or bool(_BEGINS_UNSPACED.match(right))


def _side_by_side(row: Sequence[Line], line: Line) -> bool:
    """Tell whether a line goes on with a row: in one block of the library, or to the right of what is there."""
    last = row[-1]
    if line.box[1] >= last.box[3] or last.box[1] >= line.box[3]:
        return False
    follows, grouped = line.box[0] >= last.box[2] - 2, last.group == line.group
    if follows and grouped:
        return overlaps(last.box, line.box, 0.2)  # an index below or above the line
    return (follows or grouped) and overlaps(last.box, line.box)
