"""Kinds of rows: text unless there is a sure sign of something else."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from mmprolong.corpus.rows import HOOK, Row
from mmprolong.images.documents import Heading
from mmprolong.images.renderer import Line
from mmprolong.images.shingles import without_signs

_HEADING_SLACK = (-10.0, 32.0)
"""Range in which a printed heading's top may lie below its outline's target [pt]."""
_CHAPTER_SLACK = (-10.0, 160.0)
"""The same where it is printed large, as a chapter's is."""
_LARGE = 1.35
"""Size of such a heading, as a multiple of the text's."""
_HEADING_LENGTH = 110
_CAPTION = re.compile(
    r"(?:Figure|Fig\.|Table|Listing|Algorithm) (?:[A-Z]\.?)?\d+(?:[.-]\d+)*\s?[:.]"
    r"|[図表图]\s?\d+(?:[.-]\d+)*[:.：\s]"
)
_BULLET = re.compile(r"(?!pp?\. \d)(?:[•◦▪∗*·❼➢✓●○■□‣⁃] ?|[–—-](?:\s|(?=[“‘]))|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)] )\S")
_MARKS = "•◦▪❼➢✓●○■□‣⁃"
"""Marks that begin nothing but an item of a list, whatever its type."""
_LEADERS = re.compile(r"[.·…](?: ?(?:[.·…] ?){4}|(?<=…)…| (?:\. ?)+\d[\d, –-]*$)")
_MATH_FONT = re.compile(r"CMMI|CMSY|CMEX|MSAM|MSBM|LMMath|Math|Symbol|[tp]xmi|[tp]xsy|rtxmi|[tp]xex|stix.*math", re.I)
_MONO_FONT = re.compile(
    r"Mono|Courier|Consol|NimbusMon|Typewriter|Menlo|CMTT|CMSLTT|SFTT|SFST|t1xtt|txtt|(?:^|[a-z])tt\d*$", re.I
)
_SANS_FONT = re.compile(r"Helvetica|Arial|NimbusSan|Dingbats|^Symbol$", re.I)
_RELATION = re.compile("[=<>≤≥≈≡∼∝∈∑∏∫√±×∂∇→]")
_MATH = re.compile("[Ͱ-Ͽ∂-⋿⨀-⫿�]")
"""Greek letters and signs of formulas, those without a name included."""
_EQUATION_NUMBER = re.compile(r"\(\d+(?:\.\d+)*[a-z]?\)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_TICK = re.compile(r"[−-]?\d[\d.,%e+− -]*")
"""Numbers along an axis."""
_LINE_NUMBER = re.compile(r"\d{1,5}:?")
_EAST_ASIAN = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_EAST_ASIAN_SHARE = 0.1
"""Code has no more of it, in comments."""
_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z](?:\.\d+)*\.)\s+")
_FORMULA = 80
"""Longer rows are text with formulas in it."""
_LABEL = 60
"""Longer rows are no labels of a figure."""
_LABEL_SIZE = 1.25
"""Size of a label, at most, as a multiple of the text's."""
_LABELS = 4
"""Labels that a figure has at least, one after the other."""
_LABEL_KINDS = ("paragraph", "list", "equation", "section")
"""Kinds that a label may seem to be."""
_FIGURE = ("Fig", "図", "图")
"""Beginnings of the captions of figures."""


class Style(NamedTuple):
    """Type of a row."""

    size: float
    font: str
    bold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Typography:
    """A document's type, known before its rows are named."""

    body: Style
    headings: frozenset[Style]
    outlined: bool


def typography(pages: Sequence[Sequence[Row]], outline: Sequence[Heading]) -> Typography:
    """Return the style of most of the text, and those of headings that the outline has."""
    styles: Counter[tuple[float, str, bool]] = Counter()
    for rows in pages:
        for row in rows:
            main = row.main
            if not is_mono(main):
                styles[main.size, main.font, main.bold] += len(row.text)
    body = Style(*styles.most_common(1)[0][0]) if styles else Style(10.0, "", False)
    found = {style(row) for heading in outline for row in pages[heading.page] if is_target(row, heading, body.size)}
    return Typography(body=body, headings=frozenset(found - {body}), outlined=bool(outline))


def kind_of(row: Row, page: int, height: float, targets: Sequence[Heading], look: Typography) -> str:
    """Return the kind of a row, by itself: section, code, caption, title, equation, list or paragraph."""
    if targets and any(is_target(row, heading, look.body.size) for heading in targets):
        return "section"
    if row.text[0] in _MARKS:
        return "list"
    if is_code(row):
        return "code"
    if _CAPTION.match(row.text):
        return "caption"
    if page == 0 and _is_title(row, height, look):
        return "title"
    if _is_equation(row):
        return "equation"
    if _looks_like_heading(row, look):
        return "section"
    return "list" if has_leaders(row.text) or _BULLET.match(row.text) else "paragraph"


def has_leaders(text: str) -> bool:
    """Tell whether a row has dots between an entry and its page, as lines of contents have."""
    return may_have_leaders(text) and bool(_LEADERS.search(text))


def may_have_leaders(text: str) -> bool:
    """Tell whether it is worth while to look for leaders in a text: seldom."""
    return ".." in text or ". ." in text or "…" in text or "·" in text


def with_figures(named: Sequence[tuple[str, Row]], look: Typography) -> list[tuple[str, Row]]:
    """Name the labels inside figures: a run of short sans-serif rows in a text with serifs.

    Many of them are numbers, or the caption of a figure follows.
    """
    if _is_sans(look.body.font):
        return list(named)
    label = [kind in _LABEL_KINDS and is_label(row, look) for kind, row in named]
    if not any(label):
        return list(named)
    kinds = [kind for kind, _ in named]
    start = 0
    while start < len(named):
        end = start
        while end < len(named) and label[end]:
            end += 1
        captioned = start < end < len(named) and kinds[end] == "caption" and named[end][1].text.startswith(_FIGURE)
        headed = kinds[start] == "section" and named[start][1].main.bold
        if (captioned and not headed) or _is_plot([row.text for _, row in named[start:end]]):
            kinds[start:end] = ["figure"] * (end - start)
        start = max(end, start + 1)
    return [(kind, row) for kind, (_, row) in zip(kinds, named, strict=True)]


def _is_plot(labels: Sequence[str]) -> bool:
    """Tell whether labels have as many numbers as those of a plot."""
    if len(labels) < _LABELS:
        return False
    wordless = sum(not _WORD.search(text) for text in labels)
    return wordless * 2 >= len(labels) and sum(bool(_TICK.fullmatch(text)) for text in labels) * 3 >= len(labels)


def is_target(row: Row, heading: Heading, body: float) -> bool:
    """Tell whether a row is printed where an entry of the outline leads, and says the same."""
    low, high = _CHAPTER_SLACK if row.main.size >= _LARGE * body else _HEADING_SLACK
    if not low <= row.box[1] - heading.y <= high:
        return False
    title, printed = _letters(heading.title), _letters(_NUMBER.sub("", row.text))
    part = len(printed) > (3 if row.main.size >= _LARGE * body else 8) and printed in title
    return bool(printed) and (part or title in (printed, _letters(row.text)))


def is_code(row: Row) -> bool:
    """Tell whether a row is set in a monospaced font; Chinese and Japanese always are, and are none.

    The number of a row of code may be of any font.
    """
    if not is_mono(row.lines[-1]):  # nearly all rows
        return False
    first, *others = row.lines
    if not all(is_mono(line) or line.text == HOOK for line in others):
        return False
    if not (is_mono(first) or (others and _LINE_NUMBER.fullmatch(first.text))):
        return False
    return row.text.isascii() or len(_EAST_ASIAN.findall(row.text)) < _EAST_ASIAN_SHARE * len(row.text)


def is_mono(line: Line) -> bool:
    """Tell whether a line is set in a monospaced font."""
    return line.mono or _is_mono_font(line.font)


@cache
def _is_mono_font(font: str) -> bool:
    return bool(_MONO_FONT.search(font))


def is_label(row: Row, look: Typography) -> bool:
    """Tell whether a row may be a label of a figure: short and sans-serif, in a text with serifs."""
    if row.main.size > _LABEL_SIZE * look.body.size or not _is_sans(row.main.font) or _is_sans(look.body.font):
        return False
    return (len(row.text) <= _LABEL or is_wordless(row)) and all(_is_sans(line.font) for line in row.lines)


def is_wordless(row: Row) -> bool:
    """Tell whether a row has hardly a word."""
    return not _EAST_ASIAN.search(row.text) and sum(map(len, _WORD.findall(row.text))) < 0.3 * len(row.text)


def style(row: Row) -> Style:
    """Return the style of a row's longest line."""
    return Style(row.main.size, row.main.font, row.main.bold)


def _is_title(row: Row, height: float, look: Typography) -> bool:
    large = row.main.size >= look.body.size * 1.3
    return large and not _NUMBER.match(row.text) and row.box[1] < height / 2 and _has_letters(row.text)


def _looks_like_heading(row: Row, look: Typography) -> bool:
    if not _is_set_as_heading(row, look):
        return False
    text = _NUMBER.sub("", row.text)
    if len(text) > _HEADING_LENGTH or not _has_letters(text) or text[-1] in ".,;:。、，；：" or text[0].islower():
        return False
    if not text[0].isalpha():
        return False
    if text[-1].isdigit() and (look.outlined or text != row.text):
        return False  # a line of a table of contents: it ends in a page number
    return len(row.cells) <= 2  # more has the first row of a table


def _is_set_as_heading(row: Row, look: Typography) -> bool:
    if look.outlined:
        return style(row) in look.headings
    own = row.main
    larger = own.size >= look.body.size * 1.12
    return larger or (own.bold and not look.body.bold and own.size >= look.body.size - 0.2)


def is_formula(row: Row) -> bool:
    """Tell whether a row is hardly more than mathematical type and signs."""
    if len(row.text) > _FORMULA:
        return False
    signs = any(_is_math(line.font) for line in row.lines) or bool(_MATH.search(row.text))
    return (signs or bool(_EQUATION_NUMBER.fullmatch(row.text))) and is_wordless(row)


def _is_equation(row: Row) -> bool:
    """Tell whether a row is a displayed formula."""
    return len(row.text) <= _FORMULA and bool(_RELATION.search(row.text)) and is_formula(row)


@cache
def _is_sans(font: str) -> bool:
    return bool(_SANS_FONT.search(font))


@cache
def _is_math(font: str) -> bool:
    return bool(_MATH_FONT.search(font))


def _has_letters(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= (1 if _EAST_ASIAN.search(text) else 3)


def _letters(text: str) -> str:
    return without_signs(text).lower()
