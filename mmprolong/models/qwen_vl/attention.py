"""Attention over many separate sequences: no mask, no work across sequences, equal lengths in one call.

FlashAttention does the same where it is installed; transformers calls it with the same bounds.
"""

from itertools import groupby, pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from mmprolong.models.sequence import SequenceGroup

NAME = "flash_varlen_sdpa"
"""Contains `flash`, by which transformers' Qwen vision tower knows to hand over sequence bounds, not split tensors."""


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    sequence_group: SequenceGroup | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attend within each sequence.

    Args:
        query, key, value: (batch, heads, tokens, width); key and value may have fewer heads.
        attention_mask: only where a cache holds what precedes.
        cu_seq_lens_q: int (sequences + 1,), bounds of the images or of the conversations; none: rows of prompts.
        sequence_group: processes that share the pack; the tensors then hold this process's tokens only.

    Returns:
        (batch, tokens, heads, width) and no weights.
    """
    if cu_seq_lens_q is None:
        causal = attention_mask is None and query.shape[2] > 1
        mixed = scaled_dot_product_attention(
            query, key, value, attn_mask=attention_mask, is_causal=causal, scale=scaling, enable_gqa=True
        )
        return mixed.transpose(1, 2).contiguous(), None
    if sequence_group is not None:
        query, key, value = map(sequence_group.share_heads, (query, key, value))
    causal = bool(module.is_causal)
    runs = _runs(cu_seq_lens_q.tolist())
    mixed = torch.cat([_equal_lengths(query, key, value, *run, scaling, causal) for run in runs])[None]
    return mixed if sequence_group is None else sequence_group.share_tokens(mixed), None


def mask(q_length: int, kv_length: int, **others: Any) -> torch.Tensor | None:
    """Return the mask that `attend` reads: none unless a cache holds what precedes."""
    return None if q_length == kv_length else sdpa_mask(q_length=q_length, kv_length=kv_length, **others)


def use_packed_attention(*parts: nn.Module) -> None:
    """Let transformers' models compute attention by `attend`."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, mask)
    for part in parts:
        part.config._attn_implementation = NAME  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def _runs(bounds: list[int]) -> list[tuple[int, int, int]]:
    """Return (begin, end, length) of the runs of neighbouring sequences of one length."""
    runs: list[tuple[int, int, int]] = []
    begin = bounds[0]
    for length, group in groupby(end - start for start, end in pairwise(bounds)):
        end = begin + length * len(list(group))
        runs.append((begin, end, length))
        begin = end
    return runs


def _equal_lengths(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    begin: int,
    end: int,
    length: int,
    scaling: float | None,
    causal: bool,
) -> torch.Tensor:
    """Return (tokens, heads, width) of the sequences between `begin` and `end`, all in one call."""
    q, k, v = (each[0, :, begin:end].unflatten(1, (-1, length)).transpose(0, 1) for each in (query, key, value))
    mixed = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scaling, enable_gqa=True)
    return mixed.transpose(1, 2).flatten(0, 1)
