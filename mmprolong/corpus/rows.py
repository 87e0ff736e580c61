"""Lines that stand side by side, and text joined across lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmprolong.images.renderer import Line

Box = tuple[float, float, float, float]

_CELL_GAP = 1.2
"""Lines of a row further apart than this many font sizes are cells of a table."""
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_BROKEN_WORD = re.compile(r"([^\W\d_]{2,})-$")
_CONTINUED_WORD = re.compile(r"^([^\W\d_]+)")


@dataclass(frozen=True)
class Row:
    """Lines side by side, from left to right."""

    lines: tuple[Line, ...]

    @cached_property
    def text(self) -> str:
        """All lines, joined by a space."""
        return " ".join(line.text for line in self.lines)

    @cached_property
    def box(self) -> Box:
        """x0, y0, x1, y1 [pt]."""
        return union(line.box for line in self.lines)

    @cached_property
    def main(self) -> Line:
        """The longest line; its style is the row's."""
        return max(self.lines, key=lambda line: len(line.text))

    @property
    def group(self) -> int:
        """The library's block."""
        return self.lines[0].group

    @cached_property
    def cells(self) -> int:
        """Lines of the row that are set apart as cells of a table are."""
        pairs = zip(self.lines, self.lines[1:], strict=False)
        return 1 + sum(right.box[0] - left.box[2] > _CELL_GAP * left.size for left, right in pairs)


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Return the rows of a page, in the order of their first lines."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and rows[-1][0].group == line.group and _side_by_side(rows[-1][-1].box, line.box):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [Row(tuple(sorted(row, key=lambda line: line.box[0]))) for row in rows]


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around `boxes`."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def hyphenated_words(lines: Iterable[Line]) -> frozenset[str]:
    """Return the words with a hyphen that is not at a line's end; they keep it where a line breaks there."""
    return frozenset(word.lower() for line in lines for word in _HYPHENATED.findall(line.text))


def joined(texts: Sequence[str], hyphenated: frozenset[str]) -> str:
    """Join the lines of a paragraph to one text; words broken at a line's end are mended."""
    return " ".join(_mended(texts, hyphenated))


def _mended(texts: Sequence[str], hyphenated: frozenset[str]) -> Iterator[str]:
    held = ""
    for text in texts:
        broken, continued = _BROKEN_WORD.search(held), _CONTINUED_WORD.match(text)
        if broken and continued and continued[1][0].islower():
            keep = f"{broken[1]}-{continued[1]}".lower() in hyphenated
            held = (held if keep else held[:-1]) + text
        else:
            if held:
                yield held
            held = text
    if held:
        yield held


def _side_by_side(left: Box, right: Box) -> bool:
    overlap = min(left[3], right[3]) - max(left[1], right[1])
    return overlap > 0.5 * min(left[3] - left[1], right[3] - right[1])
