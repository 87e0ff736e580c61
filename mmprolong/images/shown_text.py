"""The lines of a text layer that a page shows: what is drawn in white, in nothing or not at all is left out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mmprolong.images.page_boxes import Box
from mmprolong.images.renderer import Line

_CONTRAST = 24
"""Least difference of grey between ink and paper, of 255."""
_INSET = 0.15
"""Share of a line's height at its top and bottom that may belong to its neighbours."""
_PALE = 0.9
"""A colour whose parts are all above this is near white."""

Draw = Callable[[Box], np.ndarray]
"""Draws a part of a page in grey at 72 dpi."""


class FoundLine(NamedTuple):
    """A line of the text layer before it is known to be seen."""

    line: Line
    doubtful: bool
    """Drawn invisibly, or in near white."""


def is_pale(red: float, green: float, blue: float) -> bool:
    """Tell a colour near white; its parts are in [0, 1]."""
    return min(red, green, blue) > _PALE


def shown_lines(found: Sequence[FoundLine], draw: Draw, drawing_fonts: set[str]) -> list[Line]:
    """Return the lines that leave ink on the page.

    Only doubtful lines are looked at, and the longest of each font of which nothing was seen yet.

    Args:
        drawing_fonts: fonts that are known to draw on this document, most because they were seen; grows.
    """
    firsts = _longest_of_new_fonts(found, drawing_fonts)
    examined = [index for index, (line, doubtful) in enumerate(found) if doubtful or index in firsts.values()]
    if not examined:
        return [line for line, _ in found]
    seen = _seen([found[index].line for index in examined], draw)
    visible = dict(zip(examined, seen, strict=True))
    drawing_fonts.update(font for font, index in firsts.items() if visible[index])
    empty = {font for font, index in firsts.items() if not visible[index]}
    others = [index for index, (line, _) in enumerate(found) if line.font in empty and index not in visible]
    visible |= dict(zip(others, _seen([found[index].line for index in others], draw), strict=True))
    return [line for index, (line, _) in enumerate(found) if visible.get(index, True)]


def _longest_of_new_fonts(found: Sequence[FoundLine], known: set[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for index, (line, doubtful) in enumerate(found):
        if not doubtful and line.font not in known:
            held = longest.get(line.font)
            if held is None or len(line.text) > len(found[held].line.text):
                longest[line.font] = index
    return longest


def _seen(lines: Sequence[Line], draw: Draw) -> list[bool]:
    if not lines:
        return []
    x0, y0, x1, y1 = zip(*(line.box for line in lines), strict=True)
    left, top = min(x0), min(y0)
    drawn = draw((left, top, max(x1), max(y1)))
    return [_has_ink(drawn, line.box, left, top) for line in lines]


def _has_ink(drawn: np.ndarray, box: Box, left: float, top: float) -> bool:
    x0, y0, x1, y1 = box[0] - left, box[1] - top, box[2] - left, box[3] - top
    inset = _INSET * (y1 - y0)
    rows = slice(max(0, int(y0 + inset)), max(int(y0 + inset) + 1, round(y1 - inset)))
    part = drawn[rows, max(0, int(x0)) : max(int(x0) + 1, round(x1))]
    return part.size == 0 or int(part.max()) - int(part.min()) >= _CONTRAST
