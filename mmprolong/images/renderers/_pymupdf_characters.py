"""Characters of a page's text layer as PyMuPDF finds them: which lines need a look at them, and what they then say."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import Glyph, is_right_to_left, logical

Span = dict[str, Any]
_CELL = 8.0
"""Width of the columns in which characters drawn twice are looked for [pt]."""
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_WORD_GAP = 0.15
"""Gap between two Korean words, as a share of their size; the library takes none for a space."""
_NARROWEST = 0.1
"""Half the width of the narrowest characters, as a share of their line's height."""
_LETTER = 0.25
"""Width of a letter of a narrow word, as a share of its line's height."""
_TWICE = 0.12
"""Equal characters closer than this share of their size are one that is drawn twice."""


def doubted_lines(texts: Sequence[str], boxes: Sequence[Box], whole: Box) -> set[int]:
    """Return the lines whose characters must be looked at.

    They reach so far out of the page that a character may be outside, lie on a line with a word in common, as those
    drawn twice do, or are of a script that the library reads wrongly.
    """
    doubted: set[int] = set()
    seen: dict[str, list[int]] = {}
    left, top, right, bottom = whole
    page = "".join(texts)
    before: Box = whole
    foreign = not page.isascii() and (is_right_to_left(page) or bool(_HANGUL.search(page)))  # rare: asked once
    for index, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        x0, y0, x1, y1 = box
        if (x0 < left or y0 < top or x1 > right or y1 > bottom) and _reaches_out(box, whole):
            doubted.add(index)
        if foreign and (is_right_to_left(text) or _HANGUL.search(text)):  # poor bidi, no Korean spaces
            doubted.add(index)
        meets = before[3] > y0 and before[1] < y1 and before[2] > x0 and before[0] < x1
        if meets and index and _repeats(texts[index - 1], before, text, box):
            doubted |= {index - 1, index}
        before = box
        others = seen.setdefault(text, [])
        doubles = [other for other in others if _on_each_other(boxes[other], box)]
        if doubles:
            doubted |= {*doubles, index}
        others.append(index)
    return doubted


def _reaches_out(box: Box, whole: Box) -> bool:
    slack = _NARROWEST * (box[3] - box[1])
    low, high = min(box[0] - whole[0], box[1] - whole[1]), max(box[2] - whole[2], box[3] - whole[3])
    return low < -slack or high > slack


def _on_each_other(one: Box, other: Box) -> bool:
    if one[3] <= other[1] or other[3] <= one[1]:
        return False
    height = min(one[3], other[3]) - max(one[1], other[1])
    low = min(one[3] - one[1], other[3] - other[1])
    return height > 0.6 * low and min(one[2], other[2]) - max(one[0], other[0]) > 0.5 * low


def _repeats(text: str, box: Box, other_text: str, other: Box) -> bool:
    """Tell whether a word of two letters or more may be drawn in two lines at one place."""
    low = min(box[3] - box[1], other[3] - other[1])
    if min(abs(box[1] - other[1]), abs(box[3] - other[3])) > 0.25 * low or not _on_each_other(box, other):
        return False
    if other[0] < box[0]:
        return _repeats(other_text, other, text, box)
    letters = int((min(box[2], other[2]) - other[0]) / (_LETTER * low)) + 1
    end = text if other[2] <= box[2] else text[-letters:]
    return any(len(word) > 1 for word in {*end.split()} & {*other_text[:letters].split()})


def mended_lines(
    lines: Sequence[Sequence[Span]], doubted: set[int], whole: Box
) -> dict[int, tuple[list[Span], str, Box] | None]:
    """Return spans, text and box of doubted lines without characters outside the page or drawn twice; None: none left.

    Lines from right to left are as they are read. All lines are looked at if a character is drawn twice.

    Args:
        lines: spans with their characters, of all lines.
        whole: the page.
    """
    drawn = _Drawn()
    mended = {index: _mended(lines[index], whole, drawn) for index in sorted(doubted)}
    if not drawn.twice:
        return mended
    drawn = _Drawn()
    return {index: _mended(spans, whole, drawn) for index, spans in enumerate(lines)}


def _mended(spans: Sequence[Span], whole: Box, drawn: "_Drawn") -> tuple[list[Span], str, Box] | None:
    kept = []
    for span in spans:
        inside = [(char["c"], char["bbox"]) for char in span["chars"] if _centre_in(char["bbox"], whole)]
        chars = [(c, box) for c, box in inside if drawn.is_first(c, box, span["size"])]
        if chars:
            text = "".join([c for c, _ in chars])
            kept.append({**span, "chars": chars, "text": text, "start": 0, "stop": len(text.strip())})
    boxes = [box for span in kept for c, box in span["chars"] if not c.isspace()]
    return (kept, _read(kept), union(boxes)) if boxes else None


class _Drawn:
    """The characters that are drawn so far."""

    def __init__(self) -> None:
        self.twice = False
        """A character was drawn twice."""
        self._corners: dict[tuple[str, int], list[tuple[float, float]]] = {}
        """By the character and the column that they stand in."""

    def is_first(self, char: str, box: Box, size: float) -> bool:
        """Tell whether a character is not drawn yet where it stands; notes it if so."""
        if char.isspace():
            return True
        x, y, near = box[0], box[1], _TWICE * size
        for cell in range(int((x - near) // _CELL), int((x + near) // _CELL) + 1):
            for left, top in self._corners.get((char, cell), ()):
                if abs(left - x) < near and abs(top - y) < near:
                    self.twice = True
                    return False
        self._corners.setdefault((char, int(x // _CELL)), []).append((x, y))
        return True


def _centre_in(box: Box, whole: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return whole[0] <= x <= whole[2] and whole[1] <= y <= whole[3]


def _read(spans: Sequence[Span]) -> str:
    text = "".join(span["text"] for span in spans)
    glyphs = [(Glyph(c, box[0], box[2]), span["size"]) for span in spans for c, box in span["chars"]]
    if is_right_to_left(text):
        return logical([glyph for glyph, _ in glyphs])
    if not _HANGUL.search(text):
        return text
    spaced = [glyphs[0][0].text]
    for (left, _), (right, size) in pairwise(glyphs):
        apart = right.x0 - left.x1 > _WORD_GAP * size and not left.text.isspace() and not right.text.isspace()
        spaced.append(f" {right.text}" if apart else right.text)
    return "".join(spaced)


def union(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)
