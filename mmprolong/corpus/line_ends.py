"""Lines that end before the margin on purpose: the last of a paragraph, a line of an address, a verse, an entry."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from mmprolong.corpus.rows import Row, is_unspaced

_SPARE = 0.5
"""A line ends early if the next word would have fitted with so many font sizes to spare."""
_SPARE_UNSPACED = 4.0
"""The same of Chinese and Japanese, which break lines anywhere."""
_MOST_EARLY = 0.5
"""Share of the lines of a block that end early above which each stands for itself."""
_SURELY = 2.0
"""Font sizes to spare besides where only other blocks show the margin."""
_UNEVEN = 2.5
"""Lines of prose but the last end within so many font sizes of the longest."""
_FAR = 4.0
"""Lines that stand for themselves end so many font sizes before the margin."""
_WIDE = 3.0
"""Gap before the number at the end of an entry, in font sizes."""
_APART = 0.7
"""Paragraphs are apart by half so many font sizes more than their lines."""
_INDENT = 0.8
"""Least indentation, in font sizes."""
_ENTRY_NUMBER = re.compile(r"(?:\d{1,4}|[ivxlc]{1,7})(?:[,–-] ?\d{1,4})*")
_ENDS = (".", ":", "!", "?", "。")
"""Ends of sentences, before brackets and quotation marks."""
_LINE_MARKS = "#%>|$"
"""Lines that begin with the same of these are rows of code, whatever their font."""
_GOES_ON = ("-", "\u00ad", "\u2010", ",", "(", "/")
"""Ends of lines that the next line goes on with."""


def breaks(rows: Sequence[Row], page: Sequence[Row]) -> list[bool]:
    """Tell after which rows of a block, all of running text, the next one begins anew.

    Args:
        rows: at least two.
        page: all rows of its page.
    """
    left, right = min(row.box[0] for row in rows), _right_edge(rows)
    pairs = list(pairwise(rows))
    early = [_ends_early(above, below, left, right) for above, below in pairs]
    outer = _outer_edge(left, right, page)
    alone = len(rows) > 2 and (sum(early) > _MOST_EARLY * len(early) or _are_short(rows, right, outer))
    found: list[bool] = []
    start = 0
    for index, (ends, (above, below)) in enumerate(zip(early, pairs, strict=True), 1):
        marked = below.text[0] in _LINE_MARKS and below.text[0] == above.text[0]
        anew = (alone and not _is_first(above, below, right)) or marked
        anew = anew or _is_parted(above, below) or _is_centred(above, below)
        if not anew and _begins(below.text[0]):
            closed = above.text.rstrip(')”"’').endswith(_ENDS)
            sentence = closed and outer and _ends_early(above, below, left, outer - _SURELY * above.main.size)
            anew = ends or bool(sentence) or (closed and (_is_indented(rows, start, index) or _is_apart(rows, index)))
        hung = _is_hung(rows[start:index], below)
        found.append(hung or (anew and not above.text.endswith(_GOES_ON)))
        start = index if found[-1] else start
    return [*found, False]


def _begins(char: str) -> bool:
    """Tell whether a line that begins so may begin a paragraph."""
    return char.isdigit() or (char.isalpha() and not char.islower())


def _right_edge(rows: Sequence[Row]) -> float:
    """Return where most lines of a block end, if some end at one place; else the end of the longest."""
    edge, count = Counter([round(row.box[2]) for row in rows]).most_common(1)[0]
    return edge + 0.5 if count > 1 and count * 3 >= len(rows) else max(row.box[2] for row in rows)


def _outer_edge(left: float, right: float, page: Sequence[Row]) -> float:
    """Return the right edge of the narrowest rows, at least two, that reach around a block; 0: none do."""
    around = [round(row.box[2]) for row in page if row.box[2] > right + 1 and row.box[0] <= left + 2]
    return min((edge for edge, count in Counter(around).items() if count > 1), default=0.0) if around else 0.0


def _is_indented(rows: Sequence[Row], start: int, index: int) -> bool:
    """Tell whether a row is indented, and those around it are not: it begins a paragraph.

    The row above may be a paragraph of one line. A second row that is the last may be that of a hanging item.
    """
    row, left = rows[index].box[0], rows[index - 1].box[0]
    if index + 1 < len(rows):
        below = rows[index + 1].box[0]
        flush = abs(left - below) < 1 or (index - 1 == start and abs(left - row) < 1)
    else:
        below, flush = left, index - 1 > start
    return flush and row > below + _INDENT * rows[index].main.size


def _is_apart(rows: Sequence[Row], index: int) -> bool:
    """Tell whether a row is farther from the one above than most rows of the block are."""
    middles = [row.box[1] + row.box[3] for row in rows]
    pitches = [below - above for above, below in pairwise(middles)]
    return pitches[index - 1] > sorted(pitches)[(len(pitches) - 1) // 2] + _APART * rows[index].main.size


def _is_first(above: Row, below: Row, right: float) -> bool:
    """Tell whether a row is indented and full, and the next one is not indented: a paragraph's first two lines."""
    return abs(above.box[2] - right) < 1 and above.box[0] > below.box[0] + _INDENT * above.main.size


def _is_hung(item: Sequence[Row], below: Row) -> bool:
    """Tell whether all rows of an item but the first are indented, and the next row is not: another item's first."""
    first, indent = item[0].box[0], below.main.size
    if len(item) < 2 or abs(below.box[0] - first) >= 1 or item[-1].box[0] <= first + indent:
        return False
    return all(row.box[0] > first + indent for row in item[1:])


def _are_short(rows: Sequence[Row], right: float, outer: float) -> bool:
    """Tell whether rows end far from the margin, each elsewhere: an address, verses."""
    size = rows[0].main.size
    uneven = sum(row.box[2] < right - _UNEVEN * size for row in rows[:-1])
    return outer > right + _FAR * size and uneven * 3 >= len(rows) - 1


def _is_parted(above: Row, below: Row) -> bool:
    """Tell whether a row is an entry of contents, or two rows are parted at one place as those of a table are."""
    if len(above.lines) < 2:
        return False
    if is_entry(above):
        return True
    if len(below.lines) < 2 or len(above.cells) != 2 or len(below.cells) != 2:
        return False
    return abs(above.box[0] - below.box[0]) < 2 and abs(_second_cell(above) - _second_cell(below)) < 2


def _second_cell(row: Row) -> float:
    """Return where the line after the widest gap begins [pt]."""
    return max((right.box[0] - left.box[2], right.box[0]) for left, right in pairwise(row.lines))[1]


def _is_centred(above: Row, below: Row) -> bool:
    """Tell whether two rows are centred and the first one is the shorter: it was broken on purpose."""
    before = above.box[0] - below.box[0]
    if before <= below.main.size or abs(before - below.box[2] + above.box[2]) >= 2:
        return False
    return not below.text[0].islower()


def is_entry(row: Row) -> bool:
    """Tell whether a row is an entry of a table of contents: its last cell, far from the others, is a number."""
    if len(row.lines) < 2:
        return False
    last, before = row.lines[-1], row.lines[-2]
    return last.box[0] - before.box[2] > _WIDE * last.size and bool(_ENTRY_NUMBER.fullmatch(last.text))


def _ends_early(above: Row, below: Row, left: float, right: float) -> bool:
    """Tell whether the next row's first word would have fitted into a row."""
    first, size = below.lines[0], below.main.size
    before, spare = above.box[0] - left, right - above.box[2]
    if before > 2 * size and abs(before - spare) < size:
        spare += before
    if spare < size:
        return False
    if is_unspaced(above.text, below.text):
        return spare > _SPARE_UNSPACED * size
    word = first.text.partition(" ")[0]
    return spare > (first.box[2] - first.box[0]) * len(word) / len(first.text) + _SPARE * size
