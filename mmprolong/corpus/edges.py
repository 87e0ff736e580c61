"""Running headers and footers: rows that stand at one height of many pages, apart from the text, and look like it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

from mmprolong.corpus.rows import Row, overlaps

Side = Literal["header", "footer"]

_EDGE = 0.13
"""Share of the page's height at its top and bottom where headers and footers stand; of its width if that is more."""
_PAPER = 550.0
"""Lower pages are slides, which have no such wide margins [pt]."""
_NUMBER_EDGE = 0.2
"""The same of lone page numbers: pages of a small format are printed on large paper."""
_DEEP = 2
"""Rows above each other that a header or footer has at most."""
_APART = 0.6
"""Least gap to the text, in heights of the row."""
_FAR = 1.0
"""Gap at which another font than the text's is enough."""
_PAGES = 3
"""Pages that a header or footer stands on, or two if it says the same there."""
_LIKE = 0.6
"""Share of the rows at one height that must look like a header."""
_LARGER = 1.15
"""Rows larger than the text by more than this are headings."""
_LEVEL = 3.0
"""Rows whose heights differ by less stand at one [pt]."""
_PAGE_NUMBER = re.compile(r"(?:[Pp]age )?[-–—]? ?(?:\d{1,4}|[ivxl]{1,6}) ?[-–—]?(?: ?(?:of|/|von|de) ?\d+)?")
_NUMBER = re.compile(r"\d+")


class _Place(NamedTuple):
    """The outermost row of a page, with what stands beside it."""

    page: int
    rows: tuple[int, ...]
    text: str
    distance: float
    """From the edge [pt]."""
    gap: float
    """To the next row, in heights of the row."""
    plain: bool
    """Of the text's font and size."""


@dataclass(frozen=True, slots=True)
class Body:
    """The style of most of the text."""

    size: float
    font: str


def running_rows(
    pages: Sequence[Sequence[Row]], sizes: Sequence[tuple[float, float]], body: Body
) -> dict[tuple[int, int], Side]:
    """Return headers and footers, by page and place among the page's rows."""
    found: dict[tuple[int, int], Side] = {}
    sides: tuple[Side, ...] = ("header", "footer")
    for side in sides:
        for _ in range(_DEEP):
            places = list(_places(pages, sizes, body, side, found))
            new: dict[tuple[int, int], Side] = {
                (place.page, row): side for place in _running(places) for row in place.rows
            }
            found |= new
            if not new:
                break
    return found


def _places(
    pages: Sequence[Sequence[Row]],
    sizes: Sequence[tuple[float, float]],
    body: Body,
    side: Side,
    found: dict[tuple[int, int], Side],
) -> Iterator[_Place]:
    """Yield the outermost row of each page that is left."""
    for page, rows in enumerate(pages):
        height = sizes[page][1]
        side_length = max(sizes[page]) if height > _PAPER else height
        left = [index for index in range(len(rows)) if (page, index) not in found]
        if side == "header":
            distances = {index: rows[index].box[1] for index in left}
        else:
            distances = {index: height - rows[index].box[3] for index in left}
        if not distances:
            continue
        outermost = min(distances, key=distances.__getitem__)
        row, distance = rows[outermost], distances[outermost]
        edge, end = _NUMBER_EDGE if _PAGE_NUMBER.fullmatch(row.text) else _EDGE, distance + row.height
        if end > edge * side_length or row.main.size > _LARGER * body.size:
            continue
        beside = tuple([index for index in left if distances[index] < end and overlaps(rows[index].box, row.box)])
        others = [distances[index] for index in distances if index not in beside]
        far = max(distances[index] + rows[index].height for index in beside)
        yield _Place(
            page=page,
            rows=beside,
            text=" ".join(rows[index].text for index in beside),
            distance=distance,
            gap=(min(others) - far) / row.height if others else _FAR,
            plain=row.main.font == body.font and abs(row.main.size - body.size) < 0.3,
        )


def _running(places: Sequence[_Place]) -> Iterator[_Place]:
    for place in places:
        if place.gap >= _APART and _PAGE_NUMBER.fullmatch(place.text):
            yield place
    for level in _levels(places):
        texts = Counter(_masked(place.text) for place in level)
        offsets = Counter(offset for place in level for offset in _offsets(place))
        numbered = {offset for offset, pages in offsets.items() if pages >= _PAGES}
        like = [
            place
            for place in level
            if texts[_masked(place.text)] > 1 or numbered & _offsets(place) or (place.gap >= _FAR and not place.plain)
        ]
        enough = len(level) >= _PAGES or max(texts.values()) > 1
        if enough and len(like) >= _LIKE * len(level) and median(place.gap for place in level) >= _APART:
            yield from (place for place in level if place.gap >= _APART / 2)


def _levels(places: Sequence[_Place]) -> Iterator[list[_Place]]:
    """Yield rows that stand at one height, to within a few points."""
    ordered = sorted(places, key=lambda place: place.distance)
    level: list[_Place] = []
    for place in ordered:
        if level and place.distance - level[0].distance > _LEVEL:
            yield level
            level = []
        level.append(place)
    if level:
        yield level


def _offsets(place: _Place) -> set[int]:
    """Return how far the numbers in a row are from the page's own."""
    return {int(number) - place.page for number in _NUMBER.findall(place.text) if len(number) < 5}


def _masked(text: str) -> str:
    return _NUMBER.sub("#", text)
