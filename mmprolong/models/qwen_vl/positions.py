"""mRoPE positions of one conversation, computed when a pack is built (in the forward they cost 10 % of a step)."""

from functools import cache

import numpy as np

from mmprolong.models.encoding import Encoded


def mrope_positions(encoded: Encoded, merge: int) -> np.ndarray:
    """Return int64 (3, S): temporal, height and width positions.

    Source: Qwen2.5-VL and Qwen3-VL, `get_rope_index` in
    https://github.com/huggingface/transformers/blob/v5.0.0/src/transformers/models/qwen2_5_vl/modeling_qwen2_5_vl.py
    """
    table = np.empty((3, len(encoded)), np.int64)
    at = following = 0
    for (start, end), (_, rows, columns) in zip(encoded.spans, encoded.grids // (1, merge, merge), strict=True):
        text = start - at
        table[:, at:start] = following + np.arange(text)
        following += text
        table[:, start:end] = following + _within(rows, columns)
        following += max(rows, columns)
        at = end
    table[:, at:] = following + np.arange(len(encoded) - at)
    return table


@cache
def _within(rows: int, columns: int) -> np.ndarray:
    """Return the positions of an image's tokens from its first."""
    return np.stack([np.zeros((rows, columns), np.int64), *np.indices((rows, columns))]).reshape(3, -1)
