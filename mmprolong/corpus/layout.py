"""Lines of a text layer as layout blocks: headings, paragraphs, captions, tables, code, headers and footers."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mmprolong.corpus.edges import Body, running_rows
from mmprolong.corpus.kinds import LEADERS, kind_of, typography, with_figures
from mmprolong.corpus.rows import Row, hyphenated_words, joined, rows_of, union
from mmprolong.images.documents import Block, Heading
from mmprolong.images.renderer import Line

_OPENING = re.compile(r"\d|abstract|contents|introduction|summary|preface", re.I)
_CONTINUED = ("caption", "list")
"""Kinds whose first line shows them; the rest of their block looks like a paragraph."""
_FRONT_MATTER = 200
"""The first paragraph of this many characters ends a document's title, authors and addresses."""
_COLUMN_GAP = "  "
"""Between the cells of a table's row."""
_MONO_WIDTH = 0.6
"""Width of a monospaced character, in font sizes."""
_FULL = 20
"""A full line of running text is wider than so many font sizes."""
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
    rows = [rows_of(lines) for lines in pages]
    words = hyphenated_words(line for lines in pages for line in lines)
    look = typography(rows, outline)
    edges = running_rows(rows, sizes, Body(look.body.size, look.body.font))
    blocks = []
    for page, page_rows in enumerate(rows):
        targets = [heading for heading in outline if heading.page == page]
        named = [
            (edges.get((page, index)) or kind_of(row, page, sizes[page][1], targets, look), row)
            for index, row in enumerate(page_rows)
        ]
        named = _front_matter(page, _ordered(with_figures(list(_tables(_prose(named))), look)))
        for order, (kind, group) in enumerate(_groups(named)):
            box, text = union(row.box for row in group), _text(kind, group, words)
            blocks.append(Block(document=document, page=page, kind=kind, box=box, text=text, order=order))
    return blocks


def _text(kind: str, rows: Sequence[Row], hyphenated: frozenset[str]) -> str:
    if kind == "code":
        return _code(rows)
    if kind == "table":
        return "\n".join(_COLUMN_GAP.join(row.cells) for row in rows)
    return joined([row.text for row in rows], hyphenated)


def _code(rows: Sequence[Row]) -> str:
    """Return rows of code with their indentation, their columns and the blank lines between them."""
    width = _MONO_WIDTH * rows[0].main.size
    left = min(row.box[0] for row in rows)
    pitches = sorted(below.box[1] - above.box[1] for above, below in pairwise(rows))
    pitch = max(1.0, pitches[len(pitches) // 2]) if pitches else 1.0
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
    """Take back rows of a paragraph that hold only commands or symbols: they stand in its block, or at its margin."""
    kinds = ["", *(kind for kind, _ in named), ""]
    taken = []
    for index, (kind, row) in enumerate(named):
        above = named[index - 1][1] if index and kinds[index] in ("paragraph", "list") else None
        lone = kind == "code" and kinds[index + 2] != "code" and above is not None and above.group == row.group
        inline = kind == "equation" and above is not None and abs(above.box[0] - row.box[0]) < row.main.size / 2
        taken.append(("paragraph" if lone or inline else kind, row))
    return taken


def _tables(named: list[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """Group rows of three or more cells into tables where another row of cells is next to them."""
    cells = [_cells(row) if kind == "paragraph" else 0 for kind, row in named]
    for index, (kind, row) in enumerate(named):
        beside = max(cells[max(0, index - 1) : index] + cells[index + 1 : index + 2], default=0)
        is_table = cells[index] >= 2 and beside >= 2 and max(cells[index], beside) >= 3
        yield ("table" if is_table else kind), row


def _cells(row: Row) -> int:
    return 0 if LEADERS.search(row.text) else len(row.cells)


def _ordered(named: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
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
        if LEADERS.search(first.text):
            return False
        hanging = 0 <= row.box[1] - above.box[3] < 0.5 * row.main.size and row.box[0] > first.box[0] + 3
        return above.group == row.group or (kind == "list" and hanging)
    if name != kind or kind in _CONTINUED:
        return False
    if kind in ("figure", "equation"):
        return True
    gap = row.box[1] - above.box[3]
    if kind == "code":
        return -2 < gap < _CODE_GAP * row.main.size and abs(row.main.size - first.main.size) < 0.5
    near = -2 < gap < 1.2 * row.main.size
    if kind in ("table", "title"):
        return near
    if above.group == row.group:
        return near or kind == "paragraph"
    return kind == "paragraph" and near and _fills(above, row)


def _fills(above: Row, row: Row) -> bool:
    """Tell whether a line is full, so that the next one goes on with its paragraph: same type, same margins."""
    size = row.main.size
    same = above.main.font == row.main.font and abs(above.main.size - size) < 0.3
    aligned = abs(above.box[0] - row.box[0]) < 2.5 * size
    return same and aligned and above.box[2] > row.box[2] - size and above.box[2] - above.box[0] > _FULL * size
