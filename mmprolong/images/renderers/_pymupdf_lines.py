"""Lines of a page's text layer as PyMuPDF finds them; characters are looked at one by one only where they must be."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import clean
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.renderers._pymupdf_characters import Span, doubted_lines, mended_lines, union
from mmprolong.images.shown_text import FoundLine, is_pale

_Stretch = tuple[list[Span], Box, int, bool]
"""Spans of a line that are alike in being seen, their box, the number of their block, and whether they are doubtful."""
_MONO, _BOLD = 1 << 3, 1 << 4
_DRAWN = 1 << 4 | 1 << 5
"""Flags of characters that are filled or stroked."""
_PALE = 0xE00000
"""Colours below this have too little red to be near white."""


def found_lines(library: Any, page: Any) -> list[FoundLine]:
    """Return the lines of a page, given as its display list, in the order in which the file draws them."""
    bound, spaced = library.mupdf.fz_bound_display_list(page.this), _text_page(library, page)
    whole = bound.x0, bound.y0, bound.x1, bound.y1
    lines, texts, letters = _lines_and_texts(library, page, spaced)
    boxes = [_box(spans, box) for spans, box, _, _ in lines]
    doubted = doubted_lines(texts, boxes, whole)
    characters = _characters(spaced, len(lines)) if doubted else []
    mended = mended_lines(characters, doubted, whole) if characters else {}
    for index, known in mended.items():
        spans, texts[index], boxes[index] = known or ([], "", whole)
        lines[index], letters[index] = (spans, *lines[index][1:]), _letters(spans)
    found = []
    for (spans, _, group, doubtful), text, box, counts in zip(lines, texts, _rounded(boxes), letters, strict=True):
        line = _line(spans, counts, text.strip(), box, group) if text and not text.isspace() else None
        if line is not None and line.text:
            found.append(FoundLine(line, doubtful))
    return found


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


def _lines_and_texts(library: Any, page: Any, spaced: Any) -> tuple[list[_Stretch], list[str], list[list[int]]]:
    """Return the spans of each line, its text, and how many characters of the text each span has.

    The library begins a span at each space that it adds, and these many spans take half its time: they are asked for
    without spaces, and the text of the page by itself. A page on which the two do not agree is read in the slow way.
    """
    lines = list(_stretches(_text_page(library, page, library.TEXT_INHIBIT_SPACES).extractDICT()["blocks"]))
    buffer = library.mupdf.fz_new_buffer_from_stext_page(spaced.this)  # extractText looks at each character's box
    whole = library.mupdf.fz_buffer_extract_copy(buffer).decode(errors="replace")
    letters = [span["text"].replace(" ", "") for stretch in lines for span in stretch[0]]  # it leaves some
    if "".join(letters) == whole.replace("\n", "").replace(" ", ""):
        starts, stops, widths = _places(np.array([len(each) for each in letters], int), whole)
        texts, counts, first = [], [], 0
        for spans, *_ in lines:
            end = first + len(spans)
            texts.append(whole[starts[first] : stops[end - 1]])
            counts.append(widths[first:end])
            first = end
        return lines, texts, counts
    lines = list(_stretches(spaced.extractDICT()["blocks"]))
    texts = ["".join([span["text"] for span in spans]) for spans, *_ in lines]
    return lines, texts, [_letters(spans) for spans, *_ in lines]


def _places(lengths: np.ndarray, whole: str) -> tuple[list[int], list[int], list[int]]:
    """Return where a page's text has the first letter of each span, where its last one ends, and how far that is.

    Args:
        lengths: letters of each span.
    """
    codes = np.frombuffer(whole.encode("utf-32-le"), np.uint32)
    letters = np.concatenate(([-1], np.flatnonzero((codes != ord(" ")) & (codes != ord("\n"))), [len(whole)]))
    ends = np.cumsum(lengths)
    starts, stops = letters[ends - lengths + 1], letters[ends] + 1
    return starts.tolist(), stops.tolist(), np.maximum(stops - starts, 0).tolist()


def _letters(spans: Sequence[Span]) -> list[int]:
    return [len(span["text"].strip()) for span in spans]


def _characters(read: Any, count: int) -> list[list[Span]]:
    """Return the spans of each line with their characters; none where they cannot be had."""
    try:
        lines = [spans for spans, *_ in _stretches(read.extractRAWDICT()["blocks"])]
    except (SystemError, ValueError):  # the library fails where a font names a character that Unicode has not
        return []
    return lines if len(lines) == count else []  # a space that the library adds may part a line by its colour


def _stretches(blocks: Sequence[dict[str, Any]]) -> Iterator[_Stretch]:
    for group, block in enumerate(blocks):
        for line in block.get("lines", ()):
            spans = line["spans"]
            if len(spans) == 1:
                yield spans, line["bbox"], group, _is_doubtful(spans[0])
                continue
            for doubtful, run in groupby(spans, key=_is_doubtful):
                alike = list(run)
                yield alike, line["bbox"] if len(alike) == len(spans) else _union(alike), group, doubtful


def _is_doubtful(span: Span) -> bool:
    if not span["char_flags"] & _DRAWN or not span["alpha"]:
        return True
    colour = span["color"]
    return colour > _PALE and is_pale(*((colour >> shift & 255) / 255 for shift in (16, 8, 0)))


def _box(spans: Sequence[Span], box: Box) -> Box:
    """Return the box of what is printed of a line, given that of all of it, which begins with its leading spaces."""
    printed = spans if len(spans) == 1 else [span for span in spans if not span["text"].isspace()] or spans
    text = printed[0]["text"]
    if not text[:1].isspace():
        return box if len(printed) == len(spans) else _union(printed)
    x0, y0, x1, y1 = printed[0]["bbox"]
    x0 += (1 - len(text.lstrip()) / len(text)) * (x1 - x0)
    return union([(x0, y0, x1, y1), *(span["bbox"] for span in printed[1:])])


def _union(spans: Sequence[Span]) -> Box:
    return union([span["bbox"] for span in spans])


def _rounded(boxes: Sequence[Box]) -> list[Box]:
    """Round all boxes of a page at once."""
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in np.array(boxes).round(1).tolist()]


def _line(spans: Sequence[Span], letters: Sequence[int], text: str, box: Box, group: int) -> Line:
    size, font, flags = _type(spans, letters)
    mono = bool(flags & _MONO)
    return Line(
        text=clean(text, spaces=mono),
        box=box,
        size=size,
        font=font,
        bold=bool(flags & _BOLD),
        mono=mono,
        group=group,
    )


def _type(spans: Sequence[Span], letters: Sequence[int]) -> tuple[float, str, int]:
    """Return size and font of most characters, and the flags that hold for enough of them.

    A line that is not monospaced has no monospaced font.

    Args:
        letters: characters of each span.
    """
    first = spans[0]
    if len(spans) == 1:
        return _size(first["size"]), _font(first["font"]), first["flags"]
    types: dict[tuple[str, float, int], int] = {}
    for span, count in zip(spans, letters, strict=True):
        kind = span["font"], span["size"], span["flags"]
        types[kind] = types.get(kind, 0) + count
    name, exact, flags = most = max(types, key=types.__getitem__)
    is_plain = flags & _MONO or not any(other & _MONO for _, _, other in types)
    if len(types) == 1 or (is_plain and types[most] > MONO_SHARE * sum(letters)):
        return _size(exact), _font(name), flags
    fonts: dict[str, int] = {}
    sizes: dict[float, int] = {}
    fixed: set[str] = set()
    mono = bold = total = 0
    for (name, exact, flags), characters in types.items():
        font, size = _font(name), _size(exact)
        fonts[font] = fonts.get(font, 0) + characters
        sizes[size] = sizes.get(size, 0) + characters
        total += characters
        if flags & _MONO:
            mono += characters
            fixed.add(font)
        bold += characters if flags & _BOLD else 0
    if mono <= MONO_SHARE * total:
        fonts = {name: count for name, count in fonts.items() if name not in fixed} or fonts
    common = (_MONO if mono > MONO_SHARE * total else 0) | (_BOLD if bold > total / 2 else 0)
    return max(sizes, key=sizes.__getitem__), max(fonts, key=fonts.__getitem__), common


@lru_cache(1024)
def _size(exact: float) -> float:
    return round(exact, 1)


@lru_cache(1024)
def _font(name: str) -> str:
    return name.rpartition("+")[2]
