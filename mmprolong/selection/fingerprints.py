"""Fingerprints of pages: the same for a page and its copies, by its wording and by its look.

The wording is a sample of the shingles of its letters, so line breaks, hyphenation and page breaks do not matter and a
few wrong letters spoil few shingles. The look is a small grey picture, with and without the page's margins; what is
dark and light over large parts of it is taken out, since all pages of text have that in common.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import OpenDocument
from mmprolong.images.shingles import shingles, squashed

SIDE = 24
"""Side of a look [cells]."""
DRAWN = 128
"""Side of the thumbnail that a look is made from [px]."""
_LARGE = 7
"""Side of the squares whose mean is taken out [cells]."""
_SAMPLE = 4
_DARK = 40
"""Below the paper by so much [grey levels], a cell has ink."""
_INK = 0.005
"""Share of cells with ink below which pages look alike."""
_CUT = 0.05
"""Share of any of its sides that a benchmark's page is cut by: a copy may be cropped."""
_STRETCH = 2500
"""Letters of a stretch of a text that has no pages."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One page."""

    hashes: np.ndarray
    """Sampled shingles of its text, uint64, sorted."""
    looks: np.ndarray
    """float32 (looks, SIDE * SIDE), each of mean 0 and norm 1; none if there is too little to see."""


def of_document(
    document: OpenDocument, cuts: bool = False, begin: Callable[[int], None] = lambda page: None
) -> Iterator[tuple[Fingerprint, str]]:
    """Yield the fingerprint of each page of a PDF, and the reason if it cannot be drawn or read.

    Args:
        cuts: with looks of the page as it is when cropped.
        begin: called before a page is drawn or read; may refuse it as Unreadable.
    """
    for page in range(len(document.page_sizes)):
        problem, looks, text = "", np.empty((0, SIDE * SIDE), np.float32), ""
        try:
            begin(page)
            looks = looks_of(document.thumbnail(page, DRAWN), cuts)
        except (Unreadable, MemoryError) as error:
            problem = str(error) or "out of memory"
        try:
            begin(page)
            text = " ".join(line.text for line in document.lines(page))
        except (Unreadable, MemoryError) as error:
            problem = problem or str(error) or "out of memory"
        yield Fingerprint(wording(text), looks), problem


def of_picture(picture: Image.Image, cuts: bool = False) -> Fingerprint:
    """Return the fingerprint of a page that is there as an image."""
    picture.draft("L", (4 * DRAWN, 4 * DRAWN))
    small = picture.convert("L").resize((DRAWN, DRAWN), Image.Resampling.BOX)
    return Fingerprint(wording(""), looks_of(np.asarray(small), cuts))


def of_text(text: str) -> Iterator[Fingerprint]:
    """Yield the fingerprints of the stretches of a text that has no pages."""
    letters = squashed(text)
    for start in range(0, len(letters), _STRETCH):
        yield Fingerprint(shingles(letters[start : start + _STRETCH], _SAMPLE), np.empty((0, SIDE * SIDE), np.float32))


def wording(text: str) -> np.ndarray:
    """Return the sampled shingles of a page's text."""
    return shingles(squashed(text), _SAMPLE)


def looks_of(grey: np.ndarray, cuts: bool = False) -> np.ndarray:
    """Return the looks of a page: the whole, and without margins.

    Args:
        grey: uint8 (side, side), stretched to the square.
        cuts: and cropped by a little.
    """
    if (grey < _paper(grey) - _DARK).mean() < _INK:
        return np.empty((0, SIDE * SIDE), np.float32)
    views = [grey, _without_margins(grey, 1), _without_margins(grey, 3)]
    if cuts:
        edge = int(len(grey) * _CUT)
        sides = product((0, edge), repeat=4)
        views += [grey[top : len(grey) - bottom, left : len(grey) - right] for top, bottom, left, right in sides][1:]
    return _normalised(views)


def _normalised(views: Sequence[np.ndarray]) -> np.ndarray:
    small = [Image.fromarray(view).resize((SIDE, SIDE), Image.Resampling.BOX) for view in views]
    cells = np.stack([np.asarray(view, np.float32) for view in small])
    common = uniform_filter(cells, (1, _LARGE, _LARGE), mode="nearest")  # pyright: ignore[reportArgumentType]
    flat = (cells - common).reshape(len(views), -1)
    flat -= flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return (flat / length)[length[:, 0] > 0] if (length > 0).any() else flat[:0]


def _without_margins(grey: np.ndarray, least: int) -> np.ndarray:
    """Cut what is around the rows and columns of `least` cells with ink; a page of few of them stays whole."""
    ink = grey < _paper(grey) - _DARK
    rows, columns = np.flatnonzero(ink.sum(1) >= least), np.flatnonzero(ink.sum(0) >= least)
    if min(len(rows), len(columns)) < len(grey) / 16:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _paper(grey: np.ndarray) -> int:
    return int(np.median(grey))
