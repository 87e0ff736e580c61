"""Lines of a page's text layer as PyMuPDF finds them; characters are looked at one by one only where they must be."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from mmprolong.images.printed_text import Glyph, clean, is_right_to_left, logical
from mmprolong.images.renderer import MONO_SHARE, Line
from mmprolong.images.shown_text import FoundLine, is_pale

_MONO, _BOLD = 1 << 3, 1 << 4
_DRAWN = 1 << 4 | 1 << 5
"""Flags of characters that are filled or stroked."""
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
    turn, whole = _turn(library, page), page.rect
    lines = list(_stretches(page.get_text("dict", textpage=read)["blocks"]))
    boxes = [_box(library, spans, turn) for spans, _ in lines]
    texts = ["".join(span["text"] for span in spans) for spans, _ in lines]
    outside = not all(box in whole for box in boxes)
    if outside or any(map(_needs_characters, texts)) or _overlap(texts, boxes):
        try:
            return _by_characters(library, page, read)
        except (SystemError, ValueError):  # the library fails where a font names a character that Unicode has not
            pass
    found = [_line(spans, text, box, group) for (spans, group), text, box in zip(lines, texts, boxes, strict=True)]
    return [one for one in found if one.line.text]


def user_unit(page: Any) -> float:
    """Return the points of a unit of the page's coordinates: its boxes are in units, all else is in points."""
    box = page.cropbox
    unit = page.rect.width / max(box.height if page.rotation % 180 else box.width, 1e-6)
    return unit if abs(unit - 1) > 1e-3 else 1.0


def _turn(library: Any, page: Any) -> Any:
    """Return the matrix that turns the page; the library's own does not know its unit."""
    a, b, c, d, e, f = page.rotation_matrix
    unit = user_unit(page) if page.rotation else 1.0
    return library.Matrix(a, b, c, d, e * unit, f * unit)


def _by_characters(library: Any, page: Any, read: Any) -> list[FoundLine]:
    """Return the lines without characters outside the page or drawn twice, right-to-left ones as they are read."""
    turn, whole = _turn(library, page), page.rect
    drawn: dict[str, list[tuple[float, float]]] = {}
    found = []
    for spans, group in _stretches(page.get_text("rawdict", textpage=read)["blocks"]):
        kept = []
        for span in spans:
            boxes = [(char["c"], library.Rect(char["bbox"]) * turn) for char in span["chars"]]
            inside = [(c, box) for c, box in boxes if (box.tl + box.br) / 2 in whole]
            span["chars"] = [(c, box) for c, box in inside if _is_first(c, box, span["size"], drawn)]
            span["text"] = "".join(c for c, _ in span["chars"])
            kept += [span] if span["chars"] else []
        if any(span["text"].strip() for span in kept):
            found.append(_line(kept, _read(kept), _union(box for span in kept for _, box in span["chars"]), group))
    return [one for one in found if one.line.text]


def _stretches(blocks: Sequence[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Yield spans of a line that are alike in being seen, with the number of their block."""
    for group, block in enumerate(blocks):
        for line in block.get("lines", ()):
            for _, spans in groupby(line["spans"], key=_is_doubtful):
                yield list(spans), group


def _is_doubtful(span: dict[str, Any]) -> bool:
    colour = span["color"]
    parts = ((colour >> shift & 255) / 255 for shift in (16, 8, 0))
    return not span["char_flags"] & _DRAWN or not span["alpha"] or is_pale(*parts)


def _overlap(texts: Sequence[str], boxes: Sequence[Any]) -> bool:
    """Tell whether lines with a word in common lie on each other, as those drawn twice do."""
    seen: dict[str, list[Any]] = {}
    for index, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        if index and _on_each_other(boxes[index - 1], box) and not {*texts[index - 1].split()}.isdisjoint(text.split()):
            return True
        if any(_on_each_other(other, box) for other in seen.setdefault(text, [])):
            return True
        seen[text].append(box)
    return False


def _on_each_other(one: Any, other: Any) -> bool:
    shared, low = one & other, min(one.height, other.height)
    return not shared.is_empty and shared.height > 0.6 * low and shared.width > 0.5 * low


def _is_first(char: str, box: Any, size: float, drawn: dict[str, list[tuple[float, float]]]) -> bool:
    if char.isspace():
        return True
    places = drawn.setdefault(char, [])
    near = _TWICE * size
    if any(abs(x - box.x0) < near and abs(y - box.y0) < near for x, y in places):
        return False
    places.append((box.x0, box.y0))
    return True


def _needs_characters(text: str) -> bool:
    """Tell whether the library's own text of a line is wrong: it has no Korean spaces, and its bidi is poor."""
    return not text.isascii() and (is_right_to_left(text) or bool(_HANGUL.search(text)))


def _read(spans: Sequence[dict[str, Any]]) -> str:
    text = "".join(span["text"] for span in spans)
    glyphs = [(Glyph(c, box.x0, box.x1), span["size"]) for span in spans for c, box in span["chars"]]
    if is_right_to_left(text):
        return logical([glyph for glyph, _ in glyphs])
    if not _HANGUL.search(text):
        return text
    spaced = [glyphs[0][0].text]
    for (left, _), (right, size) in pairwise(glyphs):
        apart = right.x0 - left.x1 > _WORD_GAP * size and not left.text.isspace() and not right.text.isspace()
        spaced.append(f" {right.text}" if apart else right.text)
    return "".join(spaced)


def _box(library: Any, spans: Sequence[dict[str, Any]], turn: Any) -> Any:
    printed = [span for span in spans if span["text"].strip()] or spans
    return _union(library.Rect(span["bbox"]) * turn for span in printed)


def _union(boxes: Iterator[Any]) -> Any:
    whole = next(boxes)
    for box in boxes:
        whole = whole | box
    return whole


def _line(spans: Sequence[dict[str, Any]], text: str, box: Any, group: int) -> FoundLine:
    fonts: Counter[str] = Counter()
    sizes: Counter[float] = Counter()
    flags: Counter[int] = Counter()
    for span in spans:
        characters = len(span["text"].strip())
        fonts[span["font"].split("+")[-1]] += characters
        sizes[round(span["size"], 1)] += characters
        flags[span["flags"]] += characters
    half = sum(flags.values()) / 2
    mono = sum(count for flag, count in flags.items() if flag & _MONO) > MONO_SHARE * sum(flags.values())
    first = next(span["text"] for span in spans if span["text"].strip()) if text.strip() else ""
    indent = (len(first) - len(first.lstrip())) * (box.x1 - box.x0) / max(1, len(text.rstrip()))
    line = Line(
        text=clean(text.strip(), spaces=mono),
        box=(round(box.x0 + indent, 1), round(box.y0, 1), round(box.x1, 1), round(box.y1, 1)),
        size=sizes.most_common(1)[0][0],
        font=fonts.most_common(1)[0][0],
        bold=sum(count for flag, count in flags.items() if flag & _BOLD) > half,
        mono=mono,
        group=group,
    )
    return FoundLine(line, _is_doubtful(spans[0]))
