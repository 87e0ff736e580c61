"""The attention that transformers' Qwen models call, for both towers: packed sequences, or rows with a cache."""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from mmprolong.models.qwen_vl.kernels import Sequences, packed
from mmprolong.models.sequence import SequenceGroup

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
    sequence_group: SequenceGroup | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attend within each sequence.

    Args:
        query, key, value: (rows, heads, tokens, width); key and value may have fewer heads.
        cu_seq_lens_q: int32 (sequences + 1,), bounds of the sequences in the only row; none: each row is one sequence,
            whose keys may begin earlier, in a cache.
        max_length_q: tokens of the longest.
        sequence_group: processes that share the row; the tensors then hold this process's tokens only.

    Returns:
        (rows, tokens, heads, width) and no weights.
    """
    rows, _heads, asked, _width = query.shape
    if cu_seq_lens_q is None and asked == 1:  # every key is visible; rows of a cache are not copied
        mixed = scaled_dot_product_attention(query, key, value, scale=scaling, enable_gqa=True)
        return mixed.transpose(1, 2), None
    if cu_seq_lens_q is None:
        queries, keys = (Sequences.equal(rows, each.shape[2], query.device) for each in (query, key))
    else:
        queries = keys = Sequences(cu_seq_lens_q, max_length_q or int(cu_seq_lens_q.diff().max()))
    if sequence_group is not None:
        query, key, value = map(sequence_group.to_heads, (query, key, value))
    query, key, value = (each.transpose(1, 2).flatten(0, 1) for each in (query, key, value))
    mixed = packed(query, key, value, queries, keys, is_causal, scaling).unflatten(0, (rows, -1))
    return mixed if sequence_group is None else sequence_group.to_tokens(mixed), None


def no_mask(*_: Any, **__: Any) -> None:
    """Return no mask: `attend` needs none."""


def use_packed_attention(*parts: nn.Module) -> None:
    """Let transformers' models compute attention by `attend`."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, no_mask)
    for part in parts:
        part.config._attn_implementation = NAME  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
