"""Lines of a page's text layer as PyMuPDF finds them; characters are looked at one by one only where they must be."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import clean
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.renderers._pymupdf_characters import Span, doubted_lines, mended_lines, union
from mmprolong.images.shown_text import FoundLine, is_pale

_Stretch = tuple[list[Span], int, bool]
"""Spans of a line that are alike in being seen, the number of their block, and whether they are doubtful."""
_MONO, _BOLD = 1 << 3, 1 << 4
_DRAWN = 1 << 4 | 1 << 5
"""Flags of characters that are filled or stroked."""
_PALE = 0xE00000
"""Colours below this have too little red to be near white."""


def found_lines(library: Any, page: Any) -> list[FoundLine]:
    """Return the lines of a page, given as its display list, in the order in which the file draws them."""
    whole, spaced = tuple(page.rect), _text_page(library, page)
    lines, texts = _lines_and_texts(library, page, spaced)
    boxes = [_box(spans) for spans, _, _ in lines]
    doubted = doubted_lines(texts, boxes, whole)
    characters = _characters(spaced, len(lines)) if doubted else []
    mended = mended_lines(characters, doubted, whole) if characters else {}
    found = []
    for index, ((spans, group, doubtful), text, box) in enumerate(zip(lines, texts, boxes, strict=True)):
        known = mended.get(index, (spans, text, box))
        if known is not None and known[1] and not known[1].isspace():
            found.append(FoundLine(_line(*known, group), doubtful))
    return [one for one in found if one.line.text]


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


def _place(spans: Sequence[Span], lengths: np.ndarray, whole: str) -> None:
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


def _characters(read: Any, count: int) -> list[list[Span]]:
    """Return the spans of each line with their characters; none where they cannot be had."""
    try:
        lines = [spans for spans, _, _ in _stretches(read.extractRAWDICT()["blocks"])]
    except (SystemError, ValueError):  # the library fails where a font names a character that Unicode has not
        return []
    return lines if len(lines) == count else []  # a space that the library adds may part a line by its colour


def _stretches(blocks: Sequence[dict[str, Any]]) -> Iterator[_Stretch]:
    for group, block in enumerate(blocks):
        for line in block.get("lines", ()):
            spans = line["spans"]
            if len(spans) == 1:
                yield spans, group, _is_doubtful(spans[0])
                continue
            for doubtful, alike in groupby(spans, key=_is_doubtful):
                yield list(alike), group, doubtful


def _is_doubtful(span: Span) -> bool:
    if not span["char_flags"] & _DRAWN or not span["alpha"]:
        return True
    colour = span["color"]
    return colour > _PALE and is_pale(*((colour >> shift & 255) / 255 for shift in (16, 8, 0)))


def _box(spans: Sequence[Span]) -> Box:
    """Return the box of what is printed of a line: the library's own begins with its leading spaces."""
    if len(spans) == 1 and not spans[0]["text"][:1].isspace():
        return spans[0]["bbox"]
    printed = [span for span in spans if not span["text"].isspace()] or spans
    box, text = printed[0]["bbox"], printed[0]["text"]
    if text[:1].isspace():
        share = 1 - len(text.lstrip()) / len(text)
        box = (box[0] + share * (box[2] - box[0]), *box[1:])
    return box if len(printed) == 1 else union([box, *(span["bbox"] for span in printed[1:])])


def _line(spans: Sequence[Span], text: str, box: Box, group: int) -> Line:
    size, font, flags = _type(spans)
    mono = bool(flags & _MONO)
    x0, y0, x1, y1 = box
    return Line(
        text=clean(text.strip(), spaces=mono),
        box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)),
        size=size,
        font=font,
        bold=bool(flags & _BOLD),
        mono=mono,
        group=group,
    )


def _type(spans: Sequence[Span]) -> tuple[float, str, int]:
    """Return size and font of most characters, and the flags that hold for enough of them.

    A line that is not monospaced has no monospaced font.
    """
    types: dict[tuple[str, float, int], int] = {}
    for span in spans:
        kind = span["font"], span["size"], span["flags"]
        types[kind] = types.get(kind, 0) + max(0, span["stop"] - span["start"])
    if len(types) == 1:
        ((name, exact, flags),) = types
        return round(exact, 1), name.rpartition("+")[2], flags
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
