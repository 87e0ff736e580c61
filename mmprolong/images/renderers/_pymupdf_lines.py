"""Lines of a page's text layer as PyMuPDF finds them; characters are looked at one by one only where they must be."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import Glyph, clean, is_right_to_left, logical
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.shown_text import FoundLine, is_pale

Matrix = tuple[float, float, float, float, float, float]
_Drawn = dict[tuple[str, int], list[tuple[float, float]]]
"""Corners of the characters that are drawn, by the character and the column that they stand in."""
_CELL = 8.0
"""Width of such a column [pt]."""
_MONO, _BOLD = 1 << 3, 1 << 4
_DRAWN = 1 << 4 | 1 << 5
"""Flags of characters that are filled or stroked."""
_PALE = 0xE00000
"""Colours below this have too little red to be near white."""
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_WORD_GAP = 0.15
"""Gap between two Korean words, as a share of their size; the library takes none for a space."""
_TWICE = 0.12
"""Equal characters closer than this share of their size are one that is drawn twice."""


def found_lines(library: Any, page: Any) -> list[FoundLine]:
    """Return the lines of a page, a `fitz` one, in the order in which the file draws them."""
    flags = library.TEXTFLAGS_DICT | library.TEXT_MEDIABOX_CLIP
    dropped = ("TEXT_PRESERVE_LIGATURES", "TEXT_PRESERVE_IMAGES", "TEXT_CID_FOR_UNKNOWN_UNICODE")
    for name in dropped:
        flags &= ~getattr(library, name)
    read = page.get_textpage(flags=flags)
    turn, whole = _turn(page), tuple(page.rect)
    stretches = _stretches(page.get_text("dict", textpage=read)["blocks"])
    lines = [(_merged(spans), group) for spans, group in stretches]
    boxes = [_box(spans, turn) for spans, _ in lines]
    texts = [spans[0]["text"] if len(spans) == 1 else "".join([span["text"] for span in spans]) for spans, _ in lines]
    outside = any(_reaches_out(box, whole) for box in boxes)
    if outside or any(map(_needs_characters, texts)) or _overlap(texts, boxes):
        try:
            return _by_characters(page, read)
        except (SystemError, ValueError):  # the library fails where a font names a character that Unicode has not
            pass
    found = [_line(spans, text, box, group) for (spans, group), text, box in zip(lines, texts, boxes, strict=True)]
    return [one for one in found if one.line.text]


def user_unit(page: Any) -> float:
    """Return the points of a unit of the page's coordinates: its boxes are in units, all else is in points."""
    box = page.cropbox
    unit = page.rect.width / max(box.height if page.rotation % 180 else box.width, 1e-6)
    return unit if abs(unit - 1) > 1e-3 else 1.0


def _turn(page: Any) -> Matrix | None:
    """Return the matrix that turns the page, if it is turned; the library's own does not know its unit."""
    if not page.rotation:
        return None
    a, b, c, d, e, f = page.rotation_matrix
    unit = user_unit(page)
    return a, b, c, d, e * unit, f * unit


def _turned(box: Box, turn: Matrix | None) -> Box:
    """Return a box as displayed; the library's own boxes are too slow."""
    if turn is None:
        return box
    (x0, y0, x1, y1), (a, b, c, d, e, f) = box, turn
    one, other = (a * x0 + c * y0 + e, b * x0 + d * y0 + f), (a * x1 + c * y1 + e, b * x1 + d * y1 + f)
    return min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])


def _by_characters(page: Any, read: Any) -> list[FoundLine]:
    """Return the lines without characters outside the page or drawn twice, right-to-left ones as they are read."""
    turn, whole = _turn(page), tuple(page.rect)
    drawn: _Drawn = {}
    found = []
    for spans, group in _stretches(page.get_text("rawdict", textpage=read)["blocks"]):
        kept = []
        for span in spans:
            boxes = [(char["c"], _turned(char["bbox"], turn)) for char in span["chars"]]
            inside = [(c, box) for c, box in boxes if _centre_in(box, whole)]
            span["chars"] = [(c, box) for c, box in inside if _is_first(c, box, span["size"], drawn)]
            span["text"] = "".join(c for c, _ in span["chars"])
            kept += [span] if span["chars"] else []
        if any(span["text"].strip() for span in kept):
            found.append(_line(kept, _read(kept), _union([box for span in kept for _, box in span["chars"]]), group))
    return [one for one in found if one.line.text]


def _reaches_out(box: Box, whole: Box) -> bool:
    return box[0] < whole[0] or box[1] < whole[1] or box[2] > whole[2] or box[3] > whole[3]


def _centre_in(box: Box, whole: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return whole[0] <= x <= whole[2] and whole[1] <= y <= whole[3]


def _stretches(blocks: Sequence[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Yield spans of a line that are alike in being seen, with the number of their block."""
    for group, block in enumerate(blocks):
        for line in block.get("lines", ()):
            spans = line["spans"]
            if len({(span["char_flags"] & _DRAWN, span["alpha"], span["color"]) for span in spans}) == 1:
                yield spans, group
                continue
            for _, alike in groupby(spans, key=_is_doubtful):
                yield list(alike), group


def _merged(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one span of those of one type: the library parts a line at each space that it adds."""
    if len(spans) == 1 or len({(span["font"], span["size"], span["flags"]) for span in spans}) > 1:
        return spans
    text = "".join([span["text"] for span in spans])
    if text[:1].isspace():
        return spans
    box = _union([span["bbox"] for span in spans if not span["text"].isspace()])
    return [{**spans[0], "text": text, "bbox": box}]


def _is_doubtful(span: dict[str, Any]) -> bool:
    if not span["char_flags"] & _DRAWN or not span["alpha"]:
        return True
    colour = span["color"]
    return colour > _PALE and is_pale(*((colour >> shift & 255) / 255 for shift in (16, 8, 0)))


def _overlap(texts: Sequence[str], boxes: Sequence[Box]) -> bool:
    """Tell whether lines with a word in common lie on each other, as those drawn twice do."""
    seen: dict[str, list[Box]] = {}
    for index, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        if index and _on_each_other(boxes[index - 1], box) and not {*texts[index - 1].split()}.isdisjoint(text.split()):
            return True
        others = seen.setdefault(text, [])
        if others and any(_on_each_other(other, box) for other in others):
            return True
        others.append(box)
    return False


def _on_each_other(one: Box, other: Box) -> bool:
    height = min(one[3], other[3]) - max(one[1], other[1])
    if height <= 0:
        return False
    low = min(one[3] - one[1], other[3] - other[1])
    return height > 0.6 * low and min(one[2], other[2]) - max(one[0], other[0]) > 0.5 * low


def _is_first(char: str, box: Box, size: float, drawn: _Drawn) -> bool:
    """Tell whether a character is not drawn yet where it stands; notes it if so."""
    if char.isspace():
        return True
    x, y, near = box[0], box[1], _TWICE * size
    for cell in range(int((x - near) // _CELL), int((x + near) // _CELL) + 1):
        for left, top in drawn.get((char, cell), ()):
            if abs(left - x) < near and abs(top - y) < near:
                return False
    drawn.setdefault((char, int(x // _CELL)), []).append((x, y))
    return True


def _needs_characters(text: str) -> bool:
    """Tell whether the library's own text of a line is wrong: it has no Korean spaces, and its bidi is poor."""
    return not text.isascii() and (is_right_to_left(text) or bool(_HANGUL.search(text)))


def _read(spans: Sequence[dict[str, Any]]) -> str:
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


def _box(spans: Sequence[dict[str, Any]], turn: Matrix | None) -> Box:
    if len(spans) == 1:
        return _turned(spans[0]["bbox"], turn)
    printed = [span["bbox"] for span in spans if not span["text"].isspace()]
    return _turned(_union(printed or [span["bbox"] for span in spans]), turn)


def _union(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _line(spans: Sequence[dict[str, Any]], text: str, box: Box, group: int) -> FoundLine:
    size, font, flags = _type(spans)
    mono = bool(flags & _MONO)
    x0, y0, x1, y1 = box
    if text[:1].isspace() and not text.isspace():
        first = next(span["text"] for span in spans if not span["text"].isspace())
        x0 += (len(first) - len(first.lstrip())) * (x1 - x0) / len(text.rstrip())
    line = Line(
        text=clean(text.strip(), spaces=mono),
        box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
        size=size,
        font=font,
        bold=bool(flags & _BOLD),
        mono=mono,
        group=group,
    )
    return FoundLine(line, _is_doubtful(spans[0]))


def _type(spans: Sequence[dict[str, Any]]) -> tuple[float, str, int]:
    """Return size and font of most characters, and the flags that hold for enough of them.

    A line that is not monospaced has no monospaced font.
    """
    if len(spans) == 1:
        only = spans[0]
        return round(only["size"], 1), only["font"].rpartition("+")[2], only["flags"]
    types: dict[tuple[str, float, int], int] = {}
    for span in spans:
        kind, text = (span["font"], span["size"], span["flags"]), span["text"]
        types[kind] = types.get(kind, 0) + (0 if text == " " else len(text.strip()))
    fonts: dict[str, int] = {}
    sizes: dict[float, int] = {}
    fixed: set[str] = set()
    mono = bold = total = 0
    for (name, exact, flags), characters in types.items():
        font, size = name.rpartition("+")[2], round(exact, 1)
        fonts[font] = fonts.get(font, 0) + characters
        sizes[size] = sizes.get(size, 0) + characters
        total += characters
        if flags & _MONO:
            mono += characters
            fixed.add(font)
        bold += characters if flags & _BOLD else 0
    if mono <= MONO_SHARE * total:
        fonts = {name: count for name, count in fonts.items() if name not in fixed} or fonts
    most = (_MONO if mono > MONO_SHARE * total else 0) | (_BOLD if bold > total / 2 else 0)
    return max(sizes, key=sizes.__getitem__), max(fonts, key=fonts.__getitem__), most
