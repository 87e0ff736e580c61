"""Lines of a text layer as layout blocks: headings, paragraphs, captions, tables, code, headers and footers."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from mmprolong.corpus.doubts import MIXED, with_doubts
from mmprolong.corpus.edges import Body, running_rows
from mmprolong.corpus.kinds import has_leaders, is_formula, kind_of, typography, with_figures
from mmprolong.corpus.line_ends import breaks
from mmprolong.corpus.margins import split_margins, with_margins
from mmprolong.corpus.rows import Row, hyphenated_words, joined, korean_words, overlaps, rows_of, union
from mmprolong.images.documents import Block, Heading
from mmprolong.images.renderer import Line

_OPENING = re.compile(r"\d|abstract|contents|introduction|summary|preface", re.I)
_CONTINUED = ("caption", "list")
"""Kinds whose first line shows them; the rest of their block looks like a paragraph."""
_FRONT_MATTER = 200
"""The first paragraph of this many characters ends a document's title, authors and addresses."""
_COLUMN_GAP = "  "
"""Between the cells of a table's row."""
_FULL = 20
"""A full line of running text is wider than so many font sizes."""
_HANGING = 3.5
"""Indentation of the lines after the first, at most, in font sizes."""
_NEXT_LINE = 0.8
"""Gap to the next line of a paragraph, in font sizes, where the library sees another block."""
_TALL = 0.4
"""A line reaches into the next one by less than so many font sizes, with a lowered letter or an index."""
_NEAR = 0.5
"""The same within an item of a list where its lines are not full."""
_CODE_NUMBER = re.compile(r"\d{1,5}(?: \W{1,3})?")
"""A row of code without words, or the number of one."""
_CODE_DEPTH = 0.8
"""A row of code reaches into the next one by less than so many font sizes, with a sign of another font in it."""
_CODE_GAP = 2.5
"""Code goes on across a gap of so many font sizes: a blank line."""


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
    parted = [split_margins(lines, size) for lines, size in zip(pages, sizes, strict=True)]
    rows = [rows_of(lines) for lines, _ in parted]
    whole = [line for lines in pages for line in lines]
    words = hyphenated_words(whole) | korean_words(whole)
    look = typography(rows, outline)
    edges = running_rows(rows, sizes, Body(look.body.size, look.body.font))
    targets: dict[int, list[Heading]] = {}
    for heading in outline:
        targets.setdefault(heading.page, []).append(heading)
    blocks = []
    for page, page_rows in enumerate(rows):
        named = [
            (edges.get((page, index)) or kind_of(row, page, sizes[page][1], targets.get(page, ()), look), row)
            for index, row in enumerate(page_rows)
        ]
        named = _front_matter(page, _ordered(with_figures(list(_tables(_prose(named))), look)))
        named = with_doubts(named, look)
        for order, (kind, group) in enumerate(with_margins(list(_parted(_groups(named), page_rows)), parted[page][1])):
            box, text = union([row.box for row in group]), _text(kind, group, words)
            blocks.append(Block(document=document, page=page, kind=kind, box=box, text=text, order=order))
    return blocks


def _text(kind: str, rows: Sequence[Row], hyphenated: frozenset[str]) -> str:
    if kind == "code":
        return _code(rows)
    if kind in ("table", MIXED):
        return "\n".join(_COLUMN_GAP.join(row.cells) for row in rows)
    return joined([row.text for row in rows], hyphenated)


def _code(rows: Sequence[Row]) -> str:
    """Return rows of code with their indentation, their columns and the blank lines between them."""
    longest = max((line for row in rows for line in row.lines), key=lambda line: len(line.text))
    width = max(1.0, (longest.box[2] - longest.box[0]) / len(longest.text))
    left = min(row.box[0] for row in rows)
    pitches = sorted(below.box[1] - above.box[1] for above, below in pairwise(rows))
    pitch = max(1.0, pitches[len(pitches) // 4]) if pitches else 1.0
    written = []
    for index, row in enumerate(rows):
        if index and row.box[1] - rows[index - 1].box[1] > 1.6 * pitch:
            written.append("")
        text = ""
        for line in row.lines:
            text = text.ljust(max(round((line.box[0] - left) / width), len(text) + bool(text))) + line.text
        written.append(text)
    return "\n".join(written)


def _prose(named: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Take back rows that their neighbours know better.

    Rows of a paragraph that hold only commands or symbols stand in its block, or at its margin. Between rows of code a
    number is that of an empty row, and beside formulas their parts are no text.
    """
    kinds = ["", *(kind for kind, _ in named), ""]
    for index, (kind, row) in enumerate(named, 1):
        if kind == "paragraph" and "code" in (kinds[index - 1], kinds[index + 1]) and _CODE_NUMBER.fullmatch(row.text):
            beside = (named[other - 1][1] for other in (index - 1, index + 1) if kinds[other] == "code")
            kinds[index] = "code" if any(abs(one.box[0] - row.box[0]) < row.main.size for one in beside) else kind
        if kind not in ("code", "equation"):
            continue
        above = named[index - 2][1] if kinds[index - 1] in ("paragraph", "list") else None
        near = above is not None and (above.group == row.group or (_is_next(above, row) and _fills(above, row)))
        ends = index == len(named) or named[index][0] != "code" or not _is_next(row, named[index][1])
        lone = kind == "code" and near and ends
        inline = kind == "equation" and above is not None and abs(above.box[0] - row.box[0]) < row.main.size / 2
        kinds[index] = "paragraph" if lone or inline else kind
    if "equation" in kinds:
        for index in (*range(1, len(named) + 1), *range(len(named), 0, -1)):
            if kinds[index] == "paragraph" and "equation" in (kinds[index - 1], kinds[index + 1]):
                row = named[index - 1][1]
                beside = (other for other in (index - 1, index + 1) if kinds[other] == "equation")
                if any(overlaps(named[other - 1][1].box, row.box, 0) for other in beside) and is_formula(row):
                    kinds[index] = "equation"
    return [(kind, row) for kind, (_, row) in zip(kinds[1:], named, strict=False)]


def _tables(named: list[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """Group rows of three or more cells into tables where another row of cells is next to them."""
    cells = [_cells(row) if kind == "paragraph" else 0 for kind, row in named]
    for index, (kind, row) in enumerate(named):
        beside = cells[max(0, index - 1) : index] + cells[index + 1 : index + 2] if cells[index] >= 2 else []
        is_table = max(beside, default=0) >= 2 and max(cells[index], *beside) >= 3
        yield ("table" if is_table else kind), row


def _cells(row: Row) -> int:
    return 0 if len(row.cells) < 2 or has_leaders(row.text) else len(row.cells)


def _ordered(named: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Put headers first and footers last; all else stays as the file draws it."""
    places = {"header": 0, "footer": 2}
    return sorted(named, key=lambda entry: places.get(entry[0], 1))


def _front_matter(page: int, named: list[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Keep only numbered headings before the first running text of page 0: names of authors look like headings."""
    if page:
        return named
    groups: Counter[int] = Counter()
    for kind, row in named:
        groups[row.group] += len(row.text) if kind in ("paragraph", "list") else 0
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


def _parted(groups: Iterable[tuple[str, list[Row]]], page: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Part running text where a line ends early."""
    for kind, rows in groups:
        if len(rows) == 1 or kind not in ("paragraph", "list"):
            yield kind, rows
            continue
        start = 0
        for end, is_break in enumerate(breaks(rows, page), 1):
            if is_break or end == len(rows):
                yield kind if start == 0 else "paragraph", rows[start:end]
                start = end


def _continues(kind: str, first: Row, above: Row, name: str, row: Row) -> bool:
    if kind in _CONTINUED and name in ("paragraph", "figure", "code"):
        if has_leaders(first.text):
            return False
        full = name == "paragraph" and above.box[2] > row.box[2] - 2 * row.main.size
        near = (_NEXT_LINE if full else _NEAR) * row.main.size
        hanging = 0 <= row.box[1] - above.box[3] < near and row.box[0] > first.box[0] + 3
        return above.group == row.group or (kind == "list" and hanging)
    if name != kind or kind in _CONTINUED:
        return False
    if kind in ("figure", "equation", MIXED):
        return True
    gap = row.box[1] - above.box[3]
    if kind == "code":
        return (
            -_CODE_DEPTH * row.main.size < gap < _CODE_GAP * row.lines[-1].size
            and abs(row.lines[-1].size - first.lines[-1].size) < 0.5
        )
    near = -2 < gap < 1.2 * row.main.size
    if kind in ("table", "title"):
        return near
    if above.group == row.group:
        return near or kind == "paragraph"
    return kind == "paragraph" and _is_next(above, row) and _fills(above, row)


def _is_next(above: Row, row: Row) -> bool:
    return -_TALL * row.main.size < row.box[1] - above.box[3] < _NEXT_LINE * row.main.size


def _fills(above: Row, row: Row) -> bool:
    """Tell whether a line is full, so that the next one goes on with its paragraph: same size, same margins."""
    size = row.main.size
    same = above.main.bold == row.main.bold and abs(above.main.size - size) < 0.3
    aligned = -2.5 * size < row.box[0] - above.box[0] < _HANGING * size
    return same and aligned and above.box[2] > row.box[2] - size and above.box[2] - above.box[0] > _FULL * size
