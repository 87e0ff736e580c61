"""Lines of a page's text layer as PyMuPDF finds them; characters are looked at one by one only where they must be."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import Glyph, clean, is_right_to_left, logical
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.shown_text import FoundLine, is_pale

_Span = dict[str, Any]
_Stretch = tuple[list[_Span], int, bool]
"""Spans of a line that are alike in being seen, the number of their block, and whether they are doubtful."""
_CELL = 8.0
"""Width of the columns in which characters drawn twice are looked for [pt]."""
_MONO, _BOLD = 1 << 3, 1 << 4
_DRAWN = 1 << 4 | 1 << 5
"""Flags of characters that are filled or stroked."""
_PALE = 0xE00000
"""Colours below this have too little red to be near white."""
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_WORD_GAP = 0.15
"""Gap between two Korean words, as a share of their size; the library takes none for a space."""
_NARROWEST = 0.1
"""Half the width of the narrowest characters, as a share of their line's height."""
_LETTER = 0.25
"""Width of a letter of a narrow word, as a share of its line's height."""
_TWICE = 0.12
"""Equal characters closer than this share of their size are one that is drawn twice."""


def found_lines(library: Any, page: Any) -> list[FoundLine]:
    """Return the lines of a page, given as its display list, in the order in which the file draws them."""
    whole, spaced = tuple(page.rect), _text_page(library, page)
    lines, texts = _lines_and_texts(library, page, spaced)
    boxes = [_box(spans) for spans, _, _ in lines]
    mended = _by_characters(spaced, _doubted(texts, boxes, whole), whole, len(lines))
    found = [
        mended[index] if index in mended else _line(stretch, text, box)
        for index, (stretch, text, box) in enumerate(zip(lines, texts, boxes, strict=True))
        if text and not text.isspace()
    ]
    return [one for one in found if one is not None and one.line.text]


def user_unit(page: Any) -> float:
    """Return the points of a unit of the page's coordinates: its boxes are in units, all else is in points."""
    box = page.cropbox
    unit = page.rect.width / max(box.height if page.rotation % 180 else box.width, 1e-6)
    return unit if abs(unit - 1) > 1e-3 else 1.0


def _text_page(library: Any, page: Any, more: int = 0) -> Any:
    flags = library.TEXTFLAGS_DICT | library.TEXT_MEDIABOX_CLIP | more
    for name in ("TEXT_PRESERVE_LIGATURES", "TEXT_PRESERVE_IMAGES", "TEXT_CID_FOR_UNKNOWN_UNICODE"):
        flags &= ~getattr(library, name)
    made = page.get_textpage(flags)
    return made if isinstance(made, library.TextPage) else library.TextPage(made)


def _lines_and_texts(library: Any, page: Any, spaced: Any) -> tuple[list[_Stretch], list[str]]:
    """Return the spans of each line, and its text; each span has its place in a text: start and stop.

    The library begins a span at each space that it adds, and these many spans take half its time: they are asked for
    without spaces, and the text of the page by itself. A page on which the two do not agree is read in the slow way.
    """
    lines = list(_stretches(_text_page(library, page, library.TEXT_INHIBIT_SPACES).extractDICT()["blocks"]))
    spans = [span for stretch in lines for span in stretch[0]]
    buffer = library.mupdf.fz_new_buffer_from_stext_page(spaced.this)  # extractText looks at each character's box
    whole = library.mupdf.fz_buffer_extract_copy(buffer).decode(errors="replace")
    letters = [span["text"].replace(" ", "") for span in spans]  # it leaves some
    if "".join(letters) == whole.replace("\n", "").replace(" ", ""):
        _place(spans, np.array([len(each) for each in letters], int), whole)
        return lines, [whole[spans[0]["start"] : spans[-1]["stop"]] for spans, _, _ in lines]
    lines = list(_stretches(spaced.extractDICT()["blocks"]))
    texts = ["".join([span["text"] for span in spans]) for spans, _, _ in lines]
    for span in (span for stretch in lines for span in stretch[0]):
        span["start"], span["stop"] = 0, len(span["text"].strip())
    return lines, texts


def _place(spans: Sequence[_Span], lengths: np.ndarray, whole: str) -> None:
    """Note where a page's text has the first letter of each span, and where its last one ends.

    Args:
        lengths: letters of each span.
    """
    codes = np.frombuffer(whole.encode("utf-32-le"), np.uint32)
    letters = np.concatenate(([-1], np.flatnonzero((codes != ord(" ")) & (codes != ord("\n"))), [len(whole)]))
    ends = np.cumsum(lengths)
    starts, stops = letters[ends - lengths + 1].tolist(), (letters[ends] + 1).tolist()
    for span, start, stop in zip(spans, starts, stops, strict=True):
        span["start"], span["stop"] = start, stop


def _stretches(blocks: Sequence[dict[str, Any]]) -> Iterator[_Stretch]:
    for group, block in enumerate(blocks):
        for line in block.get("lines", ()):
            spans = line["spans"]
            if len(spans) == 1:
                yield spans, group, _is_doubtful(spans[0])
                continue
            for doubtful, alike in groupby(spans, key=_is_doubtful):
                yield list(alike), group, doubtful


def _is_doubtful(span: _Span) -> bool:
    if not span["char_flags"] & _DRAWN or not span["alpha"]:
        return True
    colour = span["color"]
    return colour > _PALE and is_pale(*((colour >> shift & 255) / 255 for shift in (16, 8, 0)))


def _doubted(texts: Sequence[str], boxes: Sequence[Box], whole: Box) -> set[int]:
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
        slack = _NARROWEST * (box[3] - box[1])
        if box[0] < left - slack or box[1] < top - slack or box[2] > right + slack or box[3] > bottom + slack:
            doubted.add(index)
        if foreign and (is_right_to_left(text) or _HANGUL.search(text)):  # poor bidi, no Korean spaces
            doubted.add(index)
        if index and before[3] > box[1] and before[1] < box[3] and _repeats(texts[index - 1], before, text, box):
            doubted |= {index - 1, index}
        before = box
        if text not in seen:
            seen[text] = [index]
            continue
        doubles = [other for other in seen[text] if _on_each_other(boxes[other], box)]
        if doubles:
            doubted |= {*doubles, index}
        seen[text].append(index)
    return doubted


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


def _by_characters(read: Any, doubted: Collection[int], whole: Box, count: int) -> dict[int, FoundLine | None]:
    """Return lines without characters outside the page or drawn twice, right-to-left ones as they are read.

    All lines are looked at if a character of the doubted ones is drawn twice.
    """
    if not doubted:
        return {}
    try:
        lines = list(_stretches(read.extractRAWDICT()["blocks"]))
    except (SystemError, ValueError):  # the library fails where a font names a character that Unicode has not
        return {}
    if len(lines) != count:  # a space that the library adds has another colour
        return {}
    for indices in (sorted(doubted), range(count)):
        drawn = _Drawn()
        mended = {index: _mended(lines[index], whole, drawn) for index in indices}
        if not drawn.twice:
            break
    return mended


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


def _mended(line: _Stretch, whole: Box, drawn: _Drawn) -> FoundLine | None:
    spans, group, doubtful = line
    kept = []
    for span in spans:
        inside = [(char["c"], char["bbox"]) for char in span["chars"] if _centre_in(char["bbox"], whole)]
        chars = [(c, box) for c, box in inside if drawn.is_first(c, box, span["size"])]
        if chars:
            text = "".join([c for c, _ in chars])
            kept.append({**span, "chars": chars, "text": text, "start": 0, "stop": len(text.strip())})
    boxes = [box for span in kept for c, box in span["chars"] if not c.isspace()]
    return _line((kept, group, doubtful), _read(kept), _union(boxes)) if boxes else None


def _centre_in(box: Box, whole: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return whole[0] <= x <= whole[2] and whole[1] <= y <= whole[3]


def _read(spans: Sequence[_Span]) -> str:
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


def _box(spans: Sequence[_Span]) -> Box:
    """Return the box of what is printed of a line: the library's own begins with its leading spaces."""
    if len(spans) == 1 and not spans[0]["text"][:1].isspace():
        return spans[0]["bbox"]
    printed = [span for span in spans if not span["text"].isspace()] or spans
    box, text = printed[0]["bbox"], printed[0]["text"]
    if text[:1].isspace():
        share = 1 - len(text.lstrip()) / len(text)
        box = (box[0] + share * (box[2] - box[0]), *box[1:])
    return box if len(printed) == 1 else _union([box, *(span["bbox"] for span in printed[1:])])


def _union(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _line(stretch: _Stretch, text: str, box: Box) -> FoundLine:
    spans, group, doubtful = stretch
    size, font, flags = _type(spans)
    mono = bool(flags & _MONO)
    x0, y0, x1, y1 = box
    line = Line(
        text=clean(text.strip(), spaces=mono),
        box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
        size=size,
        font=font,
        bold=bool(flags & _BOLD),
        mono=mono,
        group=group,
    )
    return FoundLine(line, doubtful)


def _type(spans: Sequence[_Span]) -> tuple[float, str, int]:
    """Return size and font of most characters, and the flags that hold for enough of them."""
    types: dict[tuple[str, float, int], int] = {}
    for span in spans:
        kind = span["font"], span["size"], span["flags"]
        types[kind] = types.get(kind, 0) + max(0, span["stop"] - span["start"])
    if len(types) == 1:
        ((name, exact, flags),) = types
        return round(exact, 1), name.rpartition("+")[2], flags
    fonts: dict[str, int] = {}
    sizes: dict[float, int] = {}
    mono = bold = total = 0
    for (name, exact, flags), characters in types.items():
        font, size = name.rpartition("+")[2], round(exact, 1)
        fonts[font] = fonts.get(font, 0) + characters
        sizes[size] = sizes.get(size, 0) + characters
        total += characters
        mono += characters if flags & _MONO else 0
        bold += characters if flags & _BOLD else 0
    most = (_MONO if mono > MONO_SHARE * total else 0) | (_BOLD if bold > total / 2 else 0)
    return max(sizes, key=sizes.__getitem__), max(fonts, key=fonts.__getitem__), most
