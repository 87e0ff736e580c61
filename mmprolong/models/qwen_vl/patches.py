"""From pixels to the rows that the vision tower reads, equal to transformers' own Qwen2VLImageProcessor."""

from collections.abc import Sequence

import numpy as np

from mmprolong.models.encoding import MERGE, PATCH

FRAMES = 2
"""A still image is read as two equal frames."""
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def patchify(images: Sequence[np.ndarray]) -> np.ndarray:
    """float32 (patches, 3 * 2 * 14 * 14) of all images, in order; if all are grey, (patches, 14 * 14) in [0, 1].

    Args:
        images: uint8 (H, W, 3) or grey (H, W); sides are multiples of 28.

    Source: `_preprocess` in
    https://github.com/huggingface/transformers/blob/v5.0.0/src/transformers/models/qwen2_vl/image_processing_qwen2_vl.py
    """
    grey = all(image.ndim == 2 for image in images)
    rows: list[np.ndarray] = []
    first = 0
    for index in range(1, len(images) + 1):
        if index == len(images) or images[index].shape != images[first].shape:
            same = np.stack(images[first:index])
            rows.append(_grey(same) if grey else _colour(same))
            first = index
    return np.concatenate(rows) if rows else np.empty((0, 3 * FRAMES * PATCH * PATCH), np.float32)


def _grey(images: np.ndarray) -> np.ndarray:
    count, height, width = images.shape
    high, wide = height // PATCH, width // PATCH
    split = images.reshape(count, high // MERGE, MERGE, PATCH, wide // MERGE, MERGE, PATCH)
    ordered = split.transpose(0, 1, 4, 2, 5, 3, 6).reshape(count * high * wide, PATCH * PATCH)
    return ordered * np.float32(1 / 255)


def _colour(images: np.ndarray) -> np.ndarray:
    if images.ndim == 3:
        images = np.broadcast_to(images[..., None], (*images.shape, 3))
    count, height, width, _ = images.shape
    high, wide = height // PATCH, width // PATCH
    scaled = (images.astype(np.float32) * np.float32(1 / 255) - MEAN) / STD
    split = scaled.reshape(count, high // MERGE, MERGE, PATCH, wide // MERGE, MERGE, PATCH, 3)
    ordered = split.transpose(0, 1, 4, 2, 5, 7, 3, 6)  # image, row, column, row in merge, column in merge, colour, y, x
    framed = np.broadcast_to(ordered[..., None, :, :], (*ordered.shape[:6], FRAMES, PATCH, PATCH))
    return framed.reshape(count * high * wide, 3 * FRAMES * PATCH * PATCH)
