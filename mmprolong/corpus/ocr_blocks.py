"""Layout blocks from lines that OCR read and regions that a layout model found."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from mmprolong.corpus.rows import joined, union
from mmprolong.images.documents import Block
from mmprolong.images.page_boxes import Box
from mmprolong.images.printed_text import clean


class OcrLine(NamedTuple):
    """A line that was read."""

    text: str
    box: Box
    """[px]"""
    score: float


class Region(NamedTuple):
    """A part of a page."""

    kind: str
    box: Box
    """[px]"""


def blocks_of_regions(
    document: str, page: int, lines: Sequence[OcrLine], regions: Sequence[Region], scale: float
) -> list[Block]:
    """Return a block for each region with text, in reading order; lines outside all regions are paragraphs.

    Args:
        scale: points of a pixel.
    """
    groups: dict[Region, list[OcrLine]] = {}
    for line in lines:
        inside = [region for region in regions if _holds(region.box, line.box)]
        region = min(inside, key=lambda one: _area(one.box)) if inside else Region("paragraph", line.box)
        groups.setdefault(region, []).append(line)
    blocks = []
    for order, region in enumerate(_reading_order(list(groups))):
        read = sorted(groups[region], key=lambda line: (line.box[1] + line.box[3], line.box[0]))
        x0, y0, x1, y1 = (round(value * scale, 1) for value in union([line.box for line in read]))
        texts = [clean(line.text) for line in read]
        blocks.append(
            Block(
                document=document,
                page=page,
                kind=region.kind,
                box=(x0, y0, x1, y1),
                text="\n".join(texts) if region.kind in ("table", "code") else joined(texts, frozenset()),
                order=order,
                origin="rapidocr",
                confidence=round(sum(line.score for line in read) / len(read), 3),
            )
        )
    return blocks


def agreement(one: str, other: str) -> float:
    """Return how far two readings of a page agree, in [0, 1], whatever their spaces and the order of their blocks."""
    left, right = ("".join(text.split()) for text in (one, other))
    if not left and not right:
        return 1.0
    same = sum(block.size for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks())
    return round(2 * same / (len(left) + len(right)), 3)


def _reading_order(regions: list[Region]) -> list[Region]:
    """Return regions from top to bottom; those side by side in columns, column by column."""
    left: list[Region] = sorted(regions, key=lambda region: (region.box[1], region.box[0]))
    ordered: list[Region] = []
    while left:
        first = min(left, key=lambda region: sum(_before(other, region) for other in left))
        left.remove(first)
        ordered.append(first)
    return ordered


def _before(one: Region, other: Region) -> bool:
    """Tell whether one region is read before another: it is above it in its column, or in a column to its left."""
    if one is other:
        return False
    across = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    if across > 0.1 * min(one.box[2] - one.box[0], other.box[2] - other.box[0]):
        return one.box[1] < other.box[1]
    return one.box[2] <= other.box[0] + 1 or one.box[0] < other.box[0]


def _holds(outer: Box, inner: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
