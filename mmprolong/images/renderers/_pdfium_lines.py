"""Lines of a page's text layer as PDFium finds them."""

import ctypes
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from mmprolong.images.page_boxes import Box, PageBox
from mmprolong.images.printed_text import UNKNOWN, Glyph, clean, is_right_to_left, logical
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.renderers._pdfium_objects import TextObjects
from mmprolong.images.shown_text import FoundLine

_FIXED_PITCH, _FORCE_BOLD = 1 << 0, 1 << 18
_GAP = 0.9
"""Lines further apart than this share of their height are in different groups."""
_APART = 0.75
"""Characters further apart than this share of their height are in different lines: the margin, another column."""
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_BREAK_HYPHEN = 2
"""Character that the library puts in place of a hyphen and line break inside a word."""
_LINE_ENDS = (10, 13, _BREAK_HYPHEN)
_WORD_GAP = 0.12
"""Gap between two right-to-left words, as a share of a character's height."""
_SAMPLED = 8
"""Characters of a line whose fonts are looked at."""


class _Character(NamedTuple):
    index: int
    text: str
    box: Box | None
    """As displayed; None for spaces, which the library makes up."""


def found_lines(raw: Any, text: Any, page: PageBox, objects: TextObjects) -> list[FoundLine]:
    """Return the lines of a text page, in the order in which the file draws them."""
    return list(_grouped(_lines(raw, text, page, objects)))


def _lines(raw: Any, text: Any, page: PageBox, objects: TextObjects) -> Iterator[FoundLine]:
    held: list[_Character] = []
    doubtful = False
    edge = 0.0
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        if code in _LINE_ENDS:
            if code == _BREAK_HYPHEN:
                held.append(_Character(index, "-", None))
            yield from _line(raw, text, page, held, doubtful)
            held, edge = [], 0.0
            continue
        box = page.displayed(text.get_charbox(index, loose=True)) if code > 32 else None
        if box is not None:
            if not _inside(box, page.size) or objects.is_hidden(text, index):
                continue
            is_doubtful, printed = objects.is_doubtful(text, index), chr(code).isprintable()
            if is_doubtful != doubtful or (printed and edge and box[0] - edge > _APART * (box[3] - box[1])):
                yield from _line(raw, text, page, held, doubtful)
                held, doubtful = [], is_doubtful
            edge = box[2] if printed else edge
        held.append(_Character(index, _letter(code), box))
    yield from _line(raw, text, page, held, doubtful)


def _letter(code: int) -> str:
    return chr(code) if 31 < code < 0x110000 else ""


def _inside(box: Box, size: tuple[float, float]) -> bool:
    return 0 <= (box[0] + box[2]) / 2 <= size[0] and 0 <= (box[1] + box[3]) / 2 <= size[1]


def _line(raw: Any, text: Any, page: PageBox, characters: Sequence[_Character], doubtful: bool) -> Iterator[FoundLine]:
    inked = [one for one in characters if one.box is not None]
    if not inked:
        return
    x0, y0, x1, y1 = zip(*(one.box for one in inked if one.box), strict=True)
    sampled = inked[:: max(1, len(inked) // _SAMPLED)]
    fonts = [_font(raw, text, one.index) for one in sampled]
    unnamed = sum(raw.FPDFText_HasUnicodeMapError(text, one.index) == 1 for one in sampled) > len(sampled) / 2
    half = len(fonts) / 2
    mono = sum(bool(flags & _FIXED_PITCH) for _, flags in fonts) > MONO_SHARE * len(fonts)
    letters = UNKNOWN * len(inked) if unnamed else _read(raw, text, page, characters)
    size = statistics.mode(round(raw.FPDFText_GetFontSize(text, one.index), 1) for one in inked)
    line = Line(
        text=clean(letters.translate(_LIGATURES).strip(), spaces=mono),
        box=(min(x0), min(y0), max(x1), max(y1)),
        size=round(page.unit * size, 1),
        font=statistics.mode(name for name, _ in fonts),
        bold=sum(bool(flags & _FORCE_BOLD) or "bold" in name.lower() for name, flags in fonts) > half,
        mono=mono,
        group=0,
    )
    if line.text:
        yield FoundLine(line, doubtful)


def _read(raw: Any, text: Any, page: PageBox, characters: Sequence[_Character]) -> str:
    letters = "".join(one.text for one in characters)
    if not is_right_to_left(letters):
        return letters
    places = [
        (one.text, one.box or page.displayed(text.get_charbox(one.index, loose=True)))
        for one in characters
        if one.text and (one.box or raw.FPDFText_IsGenerated(text, one.index) == 0)
    ]
    glyphs: list[Glyph] = []
    for letter, (x0, y0, x1, y1) in sorted(places, key=lambda place: place[1][0]):
        if glyphs and x0 - glyphs[-1].x1 > _WORD_GAP * (y1 - y0):  # spaces that the library adds have no place
            glyphs.append(Glyph(" ", glyphs[-1].x1, x0))
        glyphs.append(Glyph(letter, x0, x1))
    return logical(glyphs)


def _font(raw: Any, text: Any, index: int) -> tuple[str, int]:
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int(0)
    raw.FPDFText_GetFontInfo(text, index, buffer, 128, ctypes.byref(flags))
    return buffer.value.decode("utf-8", "replace").split("+")[-1], flags.value


def _grouped(lines: Iterator[FoundLine]) -> Iterator[FoundLine]:
    group = 0
    last: Line | None = None
    for line, doubtful in lines:
        if last is not None and not _follows(last, line):
            group += 1
        placed = replace(line, group=group)
        yield FoundLine(placed, doubtful)
        beside = last is not None and last.group == group and _are_level(last.box, line.box)
        last = replace(placed, box=_around(last.box, line.box)) if last is not None and beside else placed


def _are_level(one: Box, other: Box) -> bool:
    return min(one[3], other[3]) - max(one[1], other[1]) > 0.5 * min(one[3] - one[1], other[3] - other[1])


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _follows(above: Line, below: Line) -> bool:
    if below.box[0] >= above.box[2] and _are_level(above.box, below.box):
        return True
    gap = below.box[1] - above.box[3]
    overlap = min(above.box[2], below.box[2]) - max(above.box[0], below.box[0])
    height = max(above.box[3] - above.box[1], 1.0)
    return -height < gap < _GAP * height and overlap > 0 and abs(above.size - below.size) < 1
