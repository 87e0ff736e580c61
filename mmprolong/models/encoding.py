"""From a conversation to token ids, with exact image lengths. No torch: counting works on a login node."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from mmprolong.records import Image

PATCH = 14
"""Side of a vision patch [px]."""
MERGE = 2
"""Patches along each side that are merged into one token."""

Piece = tuple[list[int] | Image, bool]
"""Token ids or an image, and whether it carries loss."""
SizeOf = Callable[[Image], tuple[int, int]]
"""Width and height [px] of an image after the resize to whole tokens."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation as the model reads it."""

    ids: np.ndarray
    """int64 (S,)."""
    supervised: np.ndarray
    """bool (S,): the token is a target; its logits come from the position before it."""
    images: tuple[Image, ...]
    grids: np.ndarray
    """int64 (images, 3): frames, rows and columns of patches."""


def assemble(pieces: Iterable[Piece], size_of: SizeOf, image_token: int) -> Encoded:
    """Lay the pieces out in one sequence; an image takes one token for each 2 x 2 patches."""
    ids: list[int] = []
    flags: list[bool] = []
    images: list[Image] = []
    grids: list[tuple[int, int, int]] = []
    for piece, supervised in pieces:
        if isinstance(piece, Image):
            width, height = size_of(piece)
            images.append(piece)
            grids.append((1, height // PATCH, width // PATCH))
            span = [image_token] * (height * width // (PATCH * MERGE) ** 2)
        else:
            span = piece
        ids += span
        flags += [supervised] * len(span)
    return Encoded(
        ids=np.array(ids, np.int64),
        supervised=np.array(flags, bool),
        images=tuple(images),
        grids=np.asarray(grids, np.int64).reshape(-1, 3),
    )
