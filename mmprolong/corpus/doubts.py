"""Rows whose reading order or text is not known: they are named `mixed`, and no transcript is asked of their page."""

import re
from collections.abc import Sequence

from mmprolong.corpus.kinds import Typography, is_formula, is_label, is_wordless
from mmprolong.corpus.rows import HOOK, Row
from mmprolong.images.printed_text import UNKNOWN

MIXED = "mixed"
_UNREAD = ("equation", "figure", "header", "footer", MIXED)
"""Kinds that are in no transcript."""
_BESIDE = 0.8
"""A row whose middle is less than so many font sizes below that of the row before it may stand beside it."""
_BELOW = 0.4
"""The same of a row above or below which it stands."""
_GOES_ON = 0.5
"""A row that begins so many font sizes after the end of the row before it, or nearer, goes on with it."""
_COLUMN = 8.0
"""A row so many font sizes above the row before it is the first of another column."""
_CELL = 12
"""Characters of a line of a column."""
_COLUMNS = 3
"""Rows of two such lines, with the same gap between, that are two columns drawn line by line."""
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEFT_TO_RIGHT = re.compile(r"[A-Za-z\u00c0-\u052f]")
_LETTERS = 10
"""Of each direction in a row whose order cannot be trusted."""


def with_doubts(named: Sequence[tuple[str, Row]], look: Typography) -> list[tuple[str, Row]]:
    """Name the rows whose reading order is not known."""
    doubtful: set[int] = set()
    columns: list[int] = []
    before, last = -1, 0.0
    for index, (kind, row) in enumerate(named):
        if kind in _UNREAD:
            continue
        if before >= 0 and row.box[1] < named[before][1].box[3] and _stands_beside(named[before][1], row):
            doubtful |= {before, index}
        if not row.text.isascii() and (_has_lost_signs(kind, row.text) or _has_two_directions(row.text)):
            doubtful.add(index)
        gutter = _gutter(row) if len(row.lines) > 1 and kind != "code" else 0.0
        columns = columns if gutter and abs(gutter - last) < row.main.size else []
        if gutter:
            columns.append(index)
            doubtful.update(columns if len(columns) >= _COLUMNS else ())
        before, last = index, gutter
    if not doubtful:
        return list(named)
    return [(_kind(row, look) if index in doubtful else kind, row) for index, (kind, row) in enumerate(named)]


def _kind(row: Row, look: Typography) -> str:
    """Return the kind of a doubtful row: parts of formulas and labels of figures are in no transcript."""
    if is_label(row, look) and is_wordless(row):
        return "figure"
    return "equation" if is_formula(row) else MIXED


def _stands_beside(above: Row, row: Row) -> bool:
    """Tell whether a row is not below the one before it, and neither goes on with it nor begins another column."""
    size = min(above.main.size, row.main.size)
    down = (row.box[1] + row.box[3] - above.box[1] - above.box[3]) / 2
    apart = row.box[0] - above.box[2]
    if not -_COLUMN * size < down < _BESIDE * size or -2 < apart < _GOES_ON * size:
        return False
    return down < _BELOW * size or apart >= 0 or above.box[0] >= row.box[2]


def _has_lost_signs(kind: str, text: str) -> bool:
    """Tell whether signs of a row have no name, or its spaces are those between the letters of code."""
    return UNKNOWN in text or (HOOK in text and kind != "code")


def _has_two_directions(text: str) -> bool:
    return len(_RIGHT_TO_LEFT.findall(text)) >= _LETTERS and len(_LEFT_TO_RIGHT.findall(text)) >= _LETTERS


def _gutter(row: Row) -> float:
    """Return where the gap between two lines of text side by side begins [pt]; 0: the row is none such."""
    cells = row.cells
    if len(cells) != 2 or min(map(len, cells)) < _CELL:
        return 0.0
    gaps = [(right.box[0] - left.box[2], left.box[2]) for left, right in zip(row.lines, row.lines[1:], strict=False)]
    return max(gaps)[1]
