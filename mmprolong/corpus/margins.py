"""Lines in the margin: names and notes beside the text are blocks of their own; numbers of lines are no text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from msgspec.structs import replace

from mmprolong.corpus.kinds import is_code, is_mono
from mmprolong.corpus.rows import Row, rows_of
from mmprolong.images.renderer import Line

MARGIN = "margin"
"""Kind of the numbers of lines: they are printed, and no text."""
_LONG = 20
"""Lines of text wider than so many font sizes show where its column is."""
_FEWEST = 3
"""Such lines, at least, begin where it does."""
_WIDTH = 0.4
"""Least share of the page's width that the text takes."""
_EDGE = 0.1
"""Share of the page's height at its top and bottom where lines beside the text may belong to a header."""
_MOST = 0.35
"""Share of the page's characters above which what is beside a column is no margin, but columns of a table."""
_LARGE = 1.15
"""Larger lines beside the text are headings."""
_WORD = re.compile(r"[^\W\d_]{2}")
_NUMBER = re.compile(r"\d{1,4}[A-Z]?")
_SMALL = 0.9
"""Numbers of lines are smaller than so many sizes of the text; those of sections are not."""
_STACKED = 0.8
"""Lines of one note are nearer than so many font sizes."""

Named = tuple[str, list[Row]]
"""A block: kind and rows."""


def split_margins(lines: Sequence[Line], page: tuple[float, float]) -> tuple[Sequence[Line], list[Named]]:
    """Return the lines of the text, and the blocks in its margins.

    Args:
        page: its width and height [pt].
    """
    long = [line for line in lines if line.box[2] - line.box[0] > _LONG * line.size]
    if len(long) < _FEWEST:
        return lines, []
    begun = Counter([round(line.box[0]) for line in long])
    left = min((x for x, count in begun.items() if count >= _FEWEST), default=0)
    right = max([line.box[2] for line in long])
    width, height = page
    if not left or right - left < _WIDTH * width:
        return lines, []
    top, bottom = _EDGE * height, (1 - _EDGE) * height
    beside = [line for line in lines if line.box[2] < left or line.box[0] > right]
    outside = [line for line in beside if line.box[1] > top and line.box[3] < bottom]
    if not outside:
        return lines, []
    size = median(line.size for line in long)
    small, large = _SMALL * size, _LARGE * size
    numbers = [line for line in outside if line.size < small and _NUMBER.fullmatch(line.text)]
    noted = [line for line in outside if line not in numbers and (line.size < small or _WORD.search(line.text))]
    noted = [line for line in noted if line.size < large]
    share = sum(len(line.text) for line in noted) / sum(len(line.text) for line in lines)
    sides = [line for line in noted if line.box[2] < left], [line for line in noted if line.box[2] >= left]
    notes = [rows_of(sorted(side, key=lambda line: line.box[1])) for side in sides]
    if share > _MOST or any(map(_is_table, notes)):
        return lines, []
    aside = {id(line) for line in (*noted, *numbers)}
    text = [line for line in lines if id(line) not in aside]
    stacks = [stack for rows in notes for stack in _stacks(rows) if is_code(stack[0]) or _is_beside(stack, text)]
    numbers = [line for line in numbers if not _is_of_code(line, text)]
    taken = {id(line) for line in numbers} | {id(line) for stack in stacks for row in stack for line in row.lines}
    blocks = [(MARGIN, [Row((line,))]) for line in numbers] + [_note(stack) for stack in stacks]
    return [line for line in lines if id(line) not in taken], blocks


def with_margins(blocks: Sequence[Named], margins: Sequence[Named]) -> list[Named]:
    """Put each block of a margin before the block beside which it begins; headers stay first."""
    placed = list(blocks)
    for note in sorted(margins, key=lambda block: block[1][0].box[1]):
        box = note[1][0].box
        middle = (box[1] + box[3]) / 2
        index = next((index for index, block in enumerate(placed) if _reaches(block, middle)), len(placed))
        kind, rows = placed[index] if index < len(placed) else ("", [])
        above = [row for row in rows if row.box[3] <= middle] if kind == "code" else []
        below = rows[len(above) :]
        placed[index : index + 1] = [*([(kind, above)] if above else []), note, *([(kind, below)] if below else [])]
    return placed


def _reaches(block: Named, y: float) -> bool:
    """Tell whether a block of the text goes on below a place."""
    return block[0] not in ("header", MARGIN) and max(row.box[3] for row in block[1]) > y


def _is_table(rows: Sequence[Row]) -> bool:
    """Tell whether rows outside a column of text are cells beside it, not notes."""
    return sum(len(row.cells) > 1 for row in rows) * 3 > len(rows)


def _is_beside(stack: Sequence[Row], text: Sequence[Line]) -> bool:
    """Tell whether text stands beside a note; beside a heading none does."""
    top, bottom = stack[0].box[1], stack[-1].box[3]
    return any(top < (line.box[1] + line.box[3]) / 2 < bottom for line in text)


def _is_of_code(number: Line, text: Sequence[Line]) -> bool:
    """Tell whether a number is that of a row of code."""
    middle = (number.box[1] + number.box[3]) / 2
    beside = [line for line in text if line.box[1] < middle < line.box[3]]
    return bool(beside) and all(map(is_mono, beside))


def _stacks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield rows that stand close together, names or a note."""
    held: list[Row] = []
    for row in rows:
        apart = held and row.box[1] - held[-1].box[3] > _STACKED * row.main.size
        if held and (apart or _is_name(row) is not _is_name(held[-1])):
            yield held
            held = []
        held.append(row)
    if held:
        yield held


def _note(rows: list[Row]) -> Named:
    """Return a note as a paragraph, names each in a line of its own."""
    if not _is_name(rows[0]):
        return "paragraph", rows
    left = min(row.box[0] for row in rows)
    moved = [replace(row.main, text=row.text, box=(left, *row.box[1:])) for row in rows]
    return "code", [Row((line,)) for line in moved]


def _is_name(row: Row) -> bool:
    return " " not in row.text or is_code(row)
