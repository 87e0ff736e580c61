"""Vision attention over many small images on a CPU: one batched call instead of a Python loop over images."""

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "flash_equal_lengths"
"""Contains `flash`, by which transformers' Qwen vision tower knows to hand over sequence bounds, not split tensors."""


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Bidirectional attention within each image.

    Args:
        query, key, value: (1, heads, patches, width).
        cu_seq_lens_q: int (images + 1,), where each image begins and ends.

    Returns:
        (1, patches, heads, width) and no weights.
    """
    assert cu_seq_lens_q is not None, "only the vision tower uses this attention"
    lengths = (cu_seq_lens_q[1:] - cu_seq_lens_q[:-1]).tolist()
    if len(set(lengths)) == 1:
        fold = [tensor[0].unflatten(1, (-1, lengths[0])).transpose(0, 1) for tensor in (query, key, value)]
        mixed = scaled_dot_product_attention(*fold, scale=scaling)
        return mixed.transpose(1, 2).flatten(0, 1)[None], None
    parts = zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True)
    mixed = torch.cat([scaled_dot_product_attention(q, k, v, scale=scaling) for q, k, v in parts], 2)
    return mixed.transpose(1, 2), None


class LinearPatches(nn.Module):
    """The patch embedding, whose stride equals its kernel, as one matrix product: equal results, several times faster."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.proj = convolution

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(patches, 1176) to (patches, width)."""
        weight = self.proj.weight
        return linear(patches.to(weight.dtype).view(-1, weight[0].numel()), weight.flatten(1))


def speed_up_vision(model: nn.Module) -> None:
    """Put both into `model`; parameters keep their names."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    visual = model.model.visual
    visual.config._attn_implementation = NAME
    visual.patch_embed = LinearPatches(visual.patch_embed.proj)
