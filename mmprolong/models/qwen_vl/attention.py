"""The attention that transformers' Qwen models call, for both towers: packed sequences, or rows with a cache."""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from mmprolong.models.qwen_vl.kernels import Sequences, packed

NAME = "packed_flash"
"""Contains `flash`, by which transformers' Qwen vision tower knows to hand over sequence bounds, not split tensors."""


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    is_causal: bool = True,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    position_ids: torch.Tensor | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attend within each sequence.

    Args:
        query, key, value: (rows, heads, tokens, width); key and value may have fewer heads.
        cu_seq_lens_q: int32 (sequences + 1,), bounds of the sequences in the only row.
        max_length_q: tokens of the longest.
        position_ids: int (1, tokens), 0 where a sequence of the only row begins. Without this and without bounds each
            row is one sequence, whose keys may begin earlier, in a cache.

    Returns:
        (rows, tokens, heads, width) and no weights.
    """
    rows, _heads, asked, _width = query.shape
    if cu_seq_lens_q is not None:
        longest = max_length_q or int(cu_seq_lens_q.diff().max())
        queries = keys = Sequences(cu_seq_lens_q, longest)
    elif position_ids is not None:
        queries = keys = Sequences.between(_document_bounds(position_ids))
    elif asked == 1:  # every key is visible; rows of a cache are not copied
        mixed = scaled_dot_product_attention(query, key, value, scale=scaling, enable_gqa=True)
        return mixed.transpose(1, 2), None
    else:
        queries, keys = (Sequences.equal(rows, each.shape[2], query.device) for each in (query, key))
    query, key, value = (each.transpose(1, 2).flatten(0, 1) for each in (query, key, value))
    return packed(query, key, value, queries, keys, is_causal, scaling).unflatten(0, (rows, -1)), None


def no_mask(*_: Any, **__: Any) -> None:
    """Return no mask: `attend` needs none."""


def use_packed_attention(*parts: nn.Module) -> None:
    """Let transformers' models compute attention by `attend`."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, no_mask)
    for part in parts:
        part.config._attn_implementation = NAME  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def _document_bounds(position_ids: torch.Tensor) -> torch.Tensor:
    assert position_ids.shape[0] == 1, "packed sequences have batch size 1"
    return pad((position_ids[0] == 0).nonzero()[:, 0], (0, 1), value=position_ids.shape[1])
