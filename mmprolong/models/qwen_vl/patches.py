"""From pixels to the patches that the vision tower reads, in the order of transformers' own processor. No torch."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from PIL import Image as Pillow

from mmprolong.models.qwen_vl.image_format import ImageFormat


def fit(page: np.ndarray, rows: int, columns: int, patch: int) -> np.ndarray:
    """Return a page resized to whole patches, uint8 as it was."""
    height, width = rows * patch, columns * patch
    if page.shape[:2] == (height, width):
        return page
    return np.asarray(Pillow.fromarray(page).resize((width, height), Pillow.Resampling.BICUBIC))


def patchify(pages: Sequence[np.ndarray], form: ImageFormat) -> np.ndarray:
    """Return uint8 (patches, 3 * patch * patch) of all pages, in order; if all are grey, (patches, patch * patch).

    The two frames of a still image are equal, so one is kept; the vision tower normalises.

    Args:
        pages: uint8 (H, W, 3) or grey (H, W); sides are whole tokens.

    Source: `_preprocess` in
    https://github.com/huggingface/transformers/blob/v5.0.0/src/transformers/models/qwen2_vl/image_processing_qwen2_vl.py
    """
    colours = 1 if all(page.ndim == 2 for page in pages) else 3
    runs = (np.stack(list(run)) for _, run in groupby(pages, key=lambda page: page.shape))
    return np.concatenate([_patches(run, colours, form) for run in runs])


def _patches(pages: np.ndarray, colours: int, form: ImageFormat) -> np.ndarray:
    if pages.ndim == 3:
        pages = np.broadcast_to(pages[..., None], (*pages.shape, colours))
    count, height, width, _ = pages.shape
    patch, merge = form.patch, form.merge
    high, wide = height // patch, width // patch
    split = pages.reshape(count, high // merge, merge, patch, wide // merge, merge, patch, colours)
    ordered = split.transpose(0, 1, 4, 2, 5, 7, 3, 6)  # page, row, column, row in merge, column in merge, colour, y, x
    return ordered.reshape(count * high * wide, colours * patch * patch)
