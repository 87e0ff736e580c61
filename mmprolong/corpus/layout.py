"""Lines of a text layer as layout blocks: headings, paragraphs, captions, code, headers and footers."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmprolong.corpus.rows import Row, hyphenated_words, joined, rows_of, union
from mmprolong.images.renderer import Line
from mmprolong.records import Block, Heading

_EDGE = 0.115
"""Share of the page's height at its top and bottom where headers and footers stand."""
_REPEATED = 3
"""Pages on which a line must stand, digits aside, to be a header or footer."""
_HEADING_SLACK = (-10.0, 32.0)
"""Range in which a printed heading's top may lie below its outline's target [pt]."""
_HEADING_LENGTH = 110
_FRAGMENT = 25
"""A line without a word, shorter than this, is a piece of a formula."""
_CAPTION = re.compile(r"(?:Figure|Fig\.|Table) (?:[A-Z]\.?)?\d+(?:\.\d+)?[:.]")
_BULLET = re.compile(r"(?:[•◦▪∗*·❼➢✓] ?|–\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)] )\S")
_LEADERS = re.compile(r"(?:\. ?){5}")
_PAGE_NUMBER = re.compile(r"(?:[Pp]age )?(?:\d{1,4}|[ivxl]{1,6})(?: ?(?:of|/) ?\d+)?")
_MATH_FONT = re.compile(r"CMMI|CMSY|CMEX|MSBM|LMMath|Math|Symbol|[tp]xmi|[tp]xsy|rtxmi|[tp]xex", re.I)
_MONO_FONT = re.compile(r"Mono|Courier|Consol|CMTT|CMSLTT|SFTT|SFST|t1xtt|txtt|(?:^|[a-z])tt\d*$", re.I)
_SANS_FONT = re.compile(r"Helvetica|Arial|NimbusSan|Dingbats", re.I)
_OPENING = re.compile(r"\d|abstract|contents|introduction|summary|preface", re.I)
_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z](?:\.\d+)*\.)\s+")
_CONTINUED = ("caption", "list")
"""Kinds whose first line shows them; the rest of their block looks like a paragraph."""
_FRONT_MATTER = 200
"""The first paragraph of this many characters ends a document's title, authors and addresses."""


@dataclass(frozen=True, slots=True)
class _Style:
    size: float
    font: str
    bold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A document's typography, known before its blocks are named."""

    body: _Style
    headings: frozenset[_Style]
    edges: frozenset[str]
    """Header and footer lines, digits masked."""
    outlined: bool


def blocks_of(
    document: str,
    pages: Sequence[Sequence[Line]],
    sizes: Sequence[tuple[float, float]],
    outline: Sequence[Heading],
) -> list[Block]:
    """Return the layout blocks of a document, page by page in reading order.

    Args:
        document: its id.
        pages: the lines of each page.
        sizes: width and height of each page [pt].
        outline: the document's own table of contents; without one, headings are known by their type.
    """
    rows = [rows_of(lines) for lines in pages]
    words = hyphenated_words(line for lines in pages for line in lines)
    look = _look(rows, sizes, outline)
    blocks = []
    for page, page_rows in enumerate(rows):
        targets = [heading for heading in outline if heading.page == page]
        named = [(_kind(row, page, sizes[page][1], targets, look), row) for row in page_rows]
        for order, (kind, group) in enumerate(_groups(_front_matter(page, _ordered(_tables(named))))):
            text = "\n".join(row.text for row in group) if kind == "code" else joined([r.text for r in group], words)
            box = union(row.box for row in group)
            blocks.append(Block(document=document, page=page, kind=kind, box=box, text=text, order=order))
    return blocks


def _look(rows: Sequence[Sequence[Row]], sizes: Sequence[tuple[float, float]], outline: Sequence[Heading]) -> _Look:
    styles: Counter[_Style] = Counter()
    edges: Counter[str] = Counter()
    for page, page_rows in enumerate(rows):
        edges.update({_masked(row.text) for row in page_rows if _at_edge(row, sizes[page][1])})
        for row in page_rows:
            if not _mono(row.main):
                styles[_style(row)] += len(row.text)
    body = styles.most_common(1)[0][0] if styles else _Style(10.0, "", False)
    headings = {_style(row) for heading in outline for row in rows[heading.page] if _is_target(row, heading)} - {body}
    repeated = frozenset(text for text, pages in edges.items() if pages >= _REPEATED)
    return _Look(body=body, headings=frozenset(headings), edges=repeated, outlined=bool(outline))


def _kind(row: Row, page: int, height: float, targets: Sequence[Heading], look: _Look) -> str:
    if _at_edge(row, height) and (_masked(row.text) in look.edges or _PAGE_NUMBER.fullmatch(row.text)):
        return "header" if row.box[1] < height / 2 else "footer"
    if any(_is_target(row, heading) for heading in targets):
        return "section"
    if _mono(row.main):
        return "code"
    if _CAPTION.match(row.text):
        return "caption"
    if _SANS_FONT.search(row.main.font) and not _SANS_FONT.search(look.body.font):
        return "figure"
    if page == 0 and row.main.size >= look.body.size * 1.3 and not _NUMBER.match(row.text) and row.box[1] < height / 2:
        return "title"
    if _is_equation(row):
        return "equation"
    if _looks_like_heading(row, look):
        return "section"
    return "list" if _LEADERS.search(row.text) or _BULLET.match(row.text) else "paragraph"


def _looks_like_heading(row: Row, look: _Look) -> bool:
    text = _NUMBER.sub("", row.text)
    if len(text) > _HEADING_LENGTH or sum(map(str.isalpha, text)) < 3 or text[-1] in ".,;:" or not text[0].isupper():
        return False
    style = _style(row)
    if text[-1].isdigit() and (look.outlined or text != row.text):
        return False  # a line of a table of contents: it ends in a page number
    if look.outlined:
        return style in look.headings
    larger = style.size >= look.body.size * 1.12
    return larger or (style.bold and not look.body.bold and style.size >= look.body.size - 0.2)


def _tables(named: list[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """Group rows of three or more cells into tables where another row of cells is next to them."""
    cells = [row.cells if kind == "paragraph" else 0 for kind, row in named]
    for index, (kind, row) in enumerate(named):
        beside = max(cells[max(0, index - 1) : index] + cells[index + 1 : index + 2], default=0)
        is_table = cells[index] >= 2 and beside >= 2 and max(cells[index], beside) >= 3
        yield ("table" if is_table else kind), row


def _ordered(named: Iterator[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Put headers first and footers last; all else stays as the file draws it."""
    places = {"header": 0, "footer": 2}
    return sorted(named, key=lambda entry: places.get(entry[0], 1))


def _front_matter(page: int, named: list[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Keep only numbered headings before the first running text of page 0: names of authors look like headings."""
    if page:
        return named
    groups = Counter(row.group for kind, row in named for _ in row.text if kind == "paragraph")
    end = next((index for index, (_, row) in enumerate(named) if groups[row.group] >= _FRONT_MATTER), len(named))
    return [
        ("paragraph" if kind == "section" and index < end and not _OPENING.match(row.text) else kind, row)
        for index, (kind, row) in enumerate(named)
    ]


def _groups(named: Sequence[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    held: list[Row] = []
    kind = ""
    for name, row in named:
        if held and _continues(kind, held[0], held[-1], name, row):
            held.append(row)
            continue
        if held:
            yield kind, held
        kind, held = name, [row]
    if held:
        yield kind, held


def _continues(kind: str, first: Row, above: Row, name: str, row: Row) -> bool:
    if kind in _CONTINUED and name in ("paragraph", "figure", "code"):
        hanging = 0 <= row.box[1] - above.box[3] < 0.5 * row.main.size and row.box[0] > first.box[0] + 3
        return above.group == row.group or (kind == "list" and hanging)
    if name != kind or kind in _CONTINUED:
        return False
    if kind in ("figure", "equation"):
        return True
    gap = row.box[1] - above.box[3]
    near = -2 < gap < 1.2 * row.main.size
    return near if kind in ("code", "table", "title") else above.group == row.group and (near or kind == "paragraph")


def _is_target(row: Row, heading: Heading) -> bool:
    if not _HEADING_SLACK[0] <= row.box[1] - heading.y <= _HEADING_SLACK[1]:
        return False
    title, printed = _letters(heading.title), _letters(_NUMBER.sub("", row.text))
    part = len(printed) > 8 and printed in title
    return bool(printed) and (part or title in (printed, _letters(row.text)))


def _is_equation(row: Row) -> bool:
    math = any(_MATH_FONT.search(line.font) for line in row.lines)
    words = sum(len(word) for word in re.findall(r"[^\W\d_]{3,}", row.text))
    return words < 0.5 * len(row.text) if math else not words and len(row.text) < _FRAGMENT and row.cells < 2


def _mono(line: Line) -> bool:
    return line.mono or bool(_MONO_FONT.search(line.font))


def _style(row: Row) -> _Style:
    return _Style(row.main.size, row.main.font, row.main.bold)


def _at_edge(row: Row, height: float) -> bool:
    return row.box[3] < _EDGE * height or row.box[1] > (1 - _EDGE) * height


def _masked(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
