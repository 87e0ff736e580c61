"""Lines in the margin: names and notes beside the text are blocks of their own; numbers of lines are no text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from mmprolong.corpus.kinds import is_code
from mmprolong.corpus.rows import Row, rows_of
from mmprolong.images.renderer import Line

MARGIN = "margin"
"""Kind of the numbers of lines: they are printed, and no text."""
_LONG = 20
"""Lines of text wider than so many font sizes show where its column is."""
_FEWEST = 3
"""Such lines, at least, begin where it does."""
_EDGE = 0.1
"""Share of the page's height at its top and bottom where lines beside the text may belong to a header."""
_WORD = re.compile(r"[^\W\d_]{2}")
_NUMBER = re.compile(r"\d{1,4}[A-Z]?")
_SMALL = 0.9
"""Numbers of lines are smaller than so many sizes of the text; those of sections are not."""
_STACKED = 0.8
"""Lines of one note are nearer than so many font sizes."""

Named = tuple[str, list[Row]]
"""A block: kind and rows."""


def split_margins(lines: Sequence[Line], height: float) -> tuple[Sequence[Line], list[Named]]:
    """Return the lines of the text, and the blocks in its margins.

    Args:
        height: of the page [pt].
    """
    long = [line for line in lines if line.box[2] - line.box[0] > _LONG * line.size]
    begun = Counter(round(line.box[0]) for line in long)
    left = min((x for x, count in begun.items() if count >= _FEWEST), default=0)
    if not left:
        return lines, []
    right = max(line.box[2] for line in long)
    text = (left, _EDGE * height, right, (1 - _EDGE) * height)
    outside = [line for line in lines if _is_outside(line, text)]
    if not outside:
        return lines, []
    size = median(line.size for line in long)
    small = _SMALL * size
    numbers = [line for line in outside if line.size < small and _NUMBER.fullmatch(line.text)]
    notes = [line for line in outside if line not in numbers and (line.size < small or _WORD.search(line.text))]
    taken = {id(line) for line in (*notes, *numbers)}
    blocks = [(MARGIN, [Row((line,))]) for line in numbers]
    for side in ([line for line in notes if line.box[2] < left], [line for line in notes if line.box[2] >= left]):
        blocks += _stacked(rows_of(sorted(side, key=lambda line: line.box[1])))
    return [line for line in lines if id(line) not in taken], blocks


def with_margins(blocks: Sequence[Named], margins: Sequence[Named]) -> list[Named]:
    """Put each block of a margin before the block beside which it begins; headers stay first."""
    placed = list(blocks)
    for kind, rows in sorted(margins, key=lambda block: block[1][0].box[1]):
        middle = (rows[0].box[1] + rows[0].box[3]) / 2
        beside = (
            index
            for index, (name, group) in enumerate(placed)
            if name != "header" and max(row.box[3] for row in group) > middle and name != MARGIN
        )
        placed.insert(next(beside, len(placed)), (kind, rows))
    return placed


def _is_outside(line: Line, text: tuple[float, float, float, float]) -> bool:
    beside = line.box[2] < text[0] or line.box[0] > text[2]
    return beside and line.box[1] > text[1] and line.box[3] < text[3]


def _stacked(rows: Sequence[Row]) -> Iterator[Named]:
    held: list[Row] = []
    for row in rows:
        if held and row.box[1] - held[-1].box[3] > _STACKED * row.main.size:
            yield _kind(held), held
            held = []
        held.append(row)
    if held:
        yield _kind(held), held


def _kind(rows: Sequence[Row]) -> str:
    return "code" if all(map(is_code, rows)) else "paragraph"
