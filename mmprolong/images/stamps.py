"""Print a key and a value into the corner of a thumbnail, as archives stamp pages."""

from functools import cache

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

CELL = 28
"""Side of the stamp [px]: one visual token of Qwen2.5-VL."""
_FONT_SIZE = 17
_STROKE = 1
_CENTRES = (8.0, 21.5)
_JITTER = 1


def draw(thumbnail: np.ndarray, stamp: str, seed: int) -> np.ndarray:
    """Return a copy of `thumbnail` whose top left cell shows `stamp` in black on white.

    Args:
        thumbnail: uint8 (side, side), grey.
        stamp: two characters, key and value.
        seed: moves the print by up to one pixel, as a hand would.
    """
    page = np.array(thumbnail)
    dy, dx = np.random.default_rng(seed).integers(-_JITTER, _JITTER + 1, 2).tolist()
    page[:CELL, :CELL] = _cell(stamp)[_JITTER + dy :, _JITTER + dx :][:CELL, :CELL]
    return page


@cache
def _cell(stamp: str) -> np.ndarray:
    """Return the print with a margin that it may move in."""
    font = ImageFont.load_default(size=_FONT_SIZE)
    cell = Pillow.new("L", (CELL, CELL), 255)
    pen = ImageDraw.Draw(cell)
    for character, centre in zip(stamp, _CENTRES, strict=True):
        left, top, right, bottom = pen.textbbox((0, 0), character, font=font, stroke_width=_STROKE)
        corner = (round(centre - (right - left) / 2) - left, round((CELL - bottom + top) / 2) - top)
        pen.text(corner, character, fill=0, font=font, stroke_width=_STROKE, stroke_fill=0)
    return np.pad(np.asarray(cell), _JITTER, constant_values=255)
