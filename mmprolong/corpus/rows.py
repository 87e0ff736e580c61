"""Lines that stand side by side, and text joined across lines."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec.structs import replace

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import SOFT_HYPHEN, UNKNOWN
from mmprolong.images.renderer import Line

_CELL_GAP = 1.2
"""Lines of a row further apart than this many font sizes are cells of a table."""
_LETTER_GAP = 0.1
"""Lines of a row nearer than this many font sizes are one word."""
_UNSPACED_GAP = 0.35
"""The same of Chinese and Japanese."""
_HYPHENATED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_BROKEN_WORD = re.compile(r"([^\W\d_]{2,})-$")
_LONE_MARK = re.compile(r"[•◦▪∗*·➢✓●○■□‣⁃–—-]|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]")
_MARK_GAP = 3.0
"""From such a mark to its item, at most, in font sizes."""
HOOK = "↩"
"""Mark of a row of code that goes on in the next one."""
_HOOK = re.compile(f"←[{UNKNOWN}-]$")
"""The same as TeX prints it: two signs, of which the file does not name the second."""
_LONGEST_WORD = 80
_ADDRESS_BREAKS = ("/", ".", "-", "_", "?", "=", "&", ":")
_BROKEN_ADDRESS = re.compile(r"(?:https?://|www\.|doi:)\S*$")
_BROKEN_PATH = re.compile(r"\w/[\w./-]*[\w-][._]$")
_ADDRESS_PART = re.compile(r"[\w-]+(?:[./=&?#]\w|[./]$)|[a-z]*\d")
_CONTINUED_WORD = re.compile(r"^([^\W\d_]+|\d)")
_CLOSED = re.compile(r"⟩(?=[a-zA-Z]{2})")
"""After it MuPDF adds no space."""
_KOREAN = re.compile("[\uac00-\ud7a3]+")
_KOREAN_END = re.compile("[\uac00-\ud7a3]+$")
_UNSPACED = re.compile(
    "[\u3000-\u303f\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Scripts that part words by no space: Chinese, Japanese. Korean does."""


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
            self.cells = _cells(lines, self.text)

    @property
    def height(self) -> float:
        """Height of the box [pt], at least 1."""
        return max(1.0, self.box[3] - self.box[1])


def _side_by_side_text(lines: Sequence[Line]) -> str:
    text = lines[0].text
    for left, right in pairwise(lines):
        gap = right.box[0] - left.box[2]
        limit = _UNSPACED_GAP if is_unspaced(text, right.text) else _LETTER_GAP
        text += right.text if gap < limit * left.size else f" {right.text}"
    return text


def _cells(lines: Sequence[Line], text: str) -> tuple[str, ...]:
    found = [[lines[0]]]
    for left, right in pairwise(lines):
        if right.box[0] - left.box[2] > _CELL_GAP * left.size:
            found.append([right])
        else:
            found[-1].append(right)
    return tuple([_side_by_side_text(cell) for cell in found]) if len(found) > 1 else (text,)


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Return the rows of a page, in the order of their first lines."""
    rows: list[list[Line]] = []
    for line in lines:
        if "←" in line.text:
            line = replace(line, text=_HOOK.sub(HOOK, line.text))
        if rows and _side_by_side(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    _marked(rows)
    return [Row(tuple(sorted(row, key=lambda line: line.box[0])) if len(row) > 1 else (row[0],)) for row in rows]


def _marked(rows: list[list[Line]]) -> None:
    """Put marks of lists that the file draws by themselves, apart from their items, before these."""
    lone = [row for row in rows if len(row) == 1 and len(row[0].text) < 7 and _LONE_MARK.fullmatch(row[0].text)]
    for row in lone:
        mark = row[0]
        low, high = mark.box[2] - 1, mark.box[2] + _MARK_GAP * mark.size
        items = (item for item in rows if low <= item[0].box[0] < high and item is not row)
        item = next((item for item in items if overlaps(mark.box, item[0].box)), None)
        if item is not None:
            x0, y0, x1, y1 = mark.box
            apart = min(x1, item[0].box[0] - _LETTER_GAP * mark.size)
            item.insert(0, replace(mark, box=(x0, y0, apart, y1), group=item[0].group))
            rows[:] = [other for other in rows if other is not row]


def union(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around `boxes`."""
    if len(boxes) == 1:
        return boxes[0]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def overlaps(one: Box, other: Box, share: float = 0.5) -> bool:
    """Tell whether two boxes share more than so much of the lower one's height."""
    if one[3] <= other[1] or other[3] <= one[1]:
        return False
    shared = min(one[3], other[3]) - max(one[1], other[1])
    return shared > share * min(one[3] - one[1], other[3] - other[1])


def hyphenated_words(lines: Iterable[Line]) -> frozenset[str]:
    """Return the pairs of words with a hyphen between that is not at a line's end; they keep it where a line breaks."""
    parts = (part for line in lines if "-" in line.text for part in line.text.split() if "-" in part)
    words = (word.lower().split("-") for part in parts for word in _HYPHENATED.findall(part))
    return frozenset(f"{left}-{right}" for parts in words for left, right in pairwise(parts))


def korean_words(lines: Iterable[Line]) -> frozenset[str]:
    """Return the Korean words that stand whole within a line; Korean may break a line within a word, without a sign."""
    whole = (line.text.split()[1:-1] for line in lines if "\uac00" <= line.text[-1] <= "\ud7a3")
    return frozenset(word[0] for words in whole for word in map(_KOREAN.match, words) if word)


def joined(texts: Sequence[str], words: frozenset[str]) -> str:
    """Join the lines of a paragraph to one text.

    Words broken at a line's end are mended. Chinese and Japanese lines are joined without a space.

    Args:
        texts: the lines.
        words: those of `hyphenated_words` and `korean_words`.
    """
    whole = ""
    for text in texts:
        broken = _BROKEN_WORD.search(whole[-_LONGEST_WORD:]) if whole.endswith("-") else None
        continued = _CONTINUED_WORD.match(text) if broken else None
        slash = whole.endswith("/") and not whole.endswith(" /")
        if slash or (whole.endswith(_ADDRESS_BREAKS) and _is_broken(whole[-_LONGEST_WORD:], text)):
            whole += text
        elif whole.endswith(SOFT_HYPHEN):
            whole = whole[:-1] + text
        elif broken and continued:
            keep = not continued[1][0].islower() or f"{broken[1]}-{continued[1]}".lower() in words
            whole = (whole if keep else whole[:-1]) + text
        elif not whole or is_unspaced(whole, text) or _is_korean_word(whole, text, words):
            whole += text
        else:
            whole += f" {text}"
    if "⟩" in whole:
        whole = _CLOSED.sub("⟩ ", whole)
    return whole.replace(SOFT_HYPHEN, "-")


def _is_broken(above: str, text: str) -> bool:
    """Tell whether a line ends in an address or a path that goes on in the next one."""
    if _BROKEN_ADDRESS.search(above) and _ADDRESS_PART.match(text):
        return True
    return "a" <= text[0] <= "z" and bool(_BROKEN_PATH.search(above))


def _is_korean_word(above: str, text: str, words: frozenset[str]) -> bool:
    if text.isascii():
        return False
    left, right = _KOREAN_END.search(above[-_LONGEST_WORD:]), _KOREAN.match(text)
    return bool(left and right and left[0] + right[0] in words)


def is_unspaced(left: str, right: str) -> bool:
    """Tell whether one of two texts that meet is Chinese or Japanese there."""
    if left.isascii() and right.isascii():
        return False
    return bool(_UNSPACED.match(left[-1:]) or _UNSPACED.match(right))


def _side_by_side(row: Sequence[Line], line: Line) -> bool:
    """Tell whether a line goes on with a row: in one block of the library, or to the right of what is there."""
    last = row[-1]
    if line.box[1] >= last.box[3] or last.box[1] >= line.box[3]:
        return False
    follows, grouped = line.box[0] >= last.box[2] - 2, last.group == line.group
    if follows and grouped:
        return overlaps(last.box, line.box, 0.2)  # an index below or above the line
    if not follows and abs(line.box[1] + line.box[3] - last.box[1] - last.box[3]) > line.size:
        return False
    return (follows or grouped) and overlaps(last.box, line.box)
