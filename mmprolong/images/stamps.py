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
    page = thumbnail.copy()
    rng = np.random.default_rng(seed)
    dy, dx = (int(step) for step in rng.integers(-_JITTER, _JITTER + 1, 2))
    padded = np.pad(_cell(stamp), _JITTER, constant_values=255)
    page[:CELL, :CELL] = padded[_JITTER + dy :, _JITTER + dx :][:CELL, :CELL]
    return page


@cache
def _cell(stamp: str) -> np.ndarray:
    font = ImageFont.load_default(size=_FONT_SIZE)
    cell = Pillow.new("L", (CELL, CELL), 255)
    pen = ImageDraw.Draw(cell)
    for character, centre in zip(stamp, _CENTRES, strict=True):
        left, top, right, bottom = pen.textbbox((0, 0), character, font=font, stroke_width=_STROKE)
        corner = (round(centre - (right - left) / 2) - left, round((CELL - bottom + top) / 2) - top)
        pen.text(corner, character, fill=0, font=font, stroke_width=_STROKE, stroke_fill=0)
    return np.asarray(cell)
