"""mRoPE positions of one document, computed when a pack is built (in the forward they cost 10 % of a step)."""

import numpy as np

from mmprolong.models.encoding import MERGE, Encoded


def positions(encoded: Encoded, image_token: int) -> np.ndarray:
    """int64 (4, S): index within the document, then temporal, height and width positions.

    The first row is what transformers cuts packed documents by: it must be the plain index, not the temporal row.

    Source: Qwen2.5-VL, `get_rope_index` in
    https://github.com/huggingface/transformers/blob/v5.0.0/src/transformers/models/qwen2_5_vl/modeling_qwen2_5_vl.py
    """
    length = len(encoded.ids)
    table = np.empty((4, length), np.int64)
    table[0] = np.arange(length)
    starts = _image_starts(encoded.ids == image_token, encoded.grids)
    at = following = 0
    for start, (_, rows, columns) in zip(starts, encoded.grids // (1, MERGE, MERGE), strict=True):
        text = start - at
        table[1:, at:start] = following + np.arange(text)
        following += text
        end = start + rows * columns
        table[1, start:end] = following
        table[2, start:end] = following + np.repeat(np.arange(rows), columns)
        table[3, start:end] = following + np.tile(np.arange(columns), rows)
        following += max(rows, columns)
        at = end
    table[1:, at:] = following + np.arange(length - at)
    return table


def _image_starts(is_image: np.ndarray, grids: np.ndarray) -> np.ndarray:
    """Where each image begins; images may touch, so runs of image tokens are cut by the grids."""
    lengths = grids.prod(1) // MERGE**2
    return np.flatnonzero(is_image)[np.cumsum(lengths) - lengths] if len(lengths) else lengths
