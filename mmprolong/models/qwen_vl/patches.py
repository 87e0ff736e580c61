"""From pixels to the rows that the vision tower reads, equal to transformers' own Qwen2VLImageProcessor. No torch."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from PIL import Image as Pillow

from mmprolong.models.qwen_vl.image_format import FRAMES, ImageFormat


def fit(page: np.ndarray, rows: int, columns: int, patch: int) -> np.ndarray:
    """Return a page resized to whole patches, uint8 as it was."""
    height, width = rows * patch, columns * patch
    if page.shape[:2] == (height, width):
        return page
    return np.asarray(Pillow.fromarray(page).resize((width, height), Pillow.Resampling.BICUBIC))


def patchify(pages: Sequence[np.ndarray], form: ImageFormat) -> np.ndarray:
    """Return float32 (patches, 3 * 2 * patch * patch) of all pages, in order.

    If all are grey: (patches, patch * patch), in [0, 1]; the vision tower does the rest for less.

    Args:
        pages: uint8 (H, W, 3) or grey (H, W); sides are whole tokens.

    Source: `_preprocess` in
    https://github.com/huggingface/transformers/blob/v5.0.0/src/transformers/models/qwen2_vl/image_processing_qwen2_vl.py
    """
    grey = all(page.ndim == 2 for page in pages)
    runs = (np.stack(list(run)) for _, run in groupby(pages, key=lambda page: page.shape))
    return np.concatenate([_grey(run, form) if grey else _colour(run, form) for run in runs])


def _grey(pages: np.ndarray, form: ImageFormat) -> np.ndarray:
    count, height, width = pages.shape
    patch, merge = form.patch, form.merge
    high, wide = height // patch, width // patch
    split = pages.reshape(count, high // merge, merge, patch, wide // merge, merge, patch)
    ordered = split.transpose(0, 1, 4, 2, 5, 3, 6).reshape(count * high * wide, patch * patch)
    return ordered * np.float32(1 / 255)


def _colour(pages: np.ndarray, form: ImageFormat) -> np.ndarray:
    if pages.ndim == 3:
        pages = np.broadcast_to(pages[..., None], (*pages.shape, 3))
    count, height, width, _ = pages.shape
    patch, merge = form.patch, form.merge
    high, wide = height // patch, width // patch
    mean, std = np.array(form.mean, np.float32), np.array(form.std, np.float32)
    scaled = (pages.astype(np.float32) * np.float32(1 / 255) - mean) / std
    split = scaled.reshape(count, high // merge, merge, patch, wide // merge, merge, patch, 3)
    ordered = split.transpose(0, 1, 4, 2, 5, 7, 3, 6)  # page, row, column, row in merge, column in merge, colour, y, x
    framed = np.broadcast_to(ordered[..., None, :, :], (*ordered.shape[:6], FRAMES, patch, patch))
    return framed.reshape(count * high * wide, 3 * FRAMES * patch * patch)
