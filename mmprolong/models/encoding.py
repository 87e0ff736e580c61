"""A conversation as token ids, with exact image lengths. No torch: counting works on a login node."""

from dataclasses import dataclass

import numpy as np

from mmprolong.conversations import Image

Piece = tuple[list[int] | Image, bool]
"""Token ids or an image, and whether it carries loss."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation as a model reads it."""

    ids: np.ndarray
    """int64 (S,)."""
    supervised: np.ndarray
    """bool (S,): the token is a target; its logits come from the position before it."""
    images: tuple[Image, ...]
    grids: np.ndarray
    """int64 (images, 3): frames, rows and columns of patches."""
    spans: np.ndarray
    """int64 (images, 2): first token of each image, and the one after its last."""

    def __len__(self) -> int:
        return len(self.ids)
