"""mRoPE positions of one conversation, computed when a pack is built (in the forward they cost 10 % of a step)."""

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
        table[0, start:end] = following
        table[1, start:end] = following + np.repeat(np.arange(rows), columns)
        table[2, start:end] = following + np.tile(np.arange(columns), rows)
        following += max(rows, columns)
        at = end
    table[:, at:] = following + np.arange(len(encoded) - at)
    return table
