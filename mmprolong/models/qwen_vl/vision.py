"""Features of pages, with less work than transformers does for the same numbers."""

from functools import cache
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import linear
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

from mmprolong.models.encoding import MERGE, PATCH
from mmprolong.models.qwen_vl.patches import MEAN, STD


class Patches(nn.Module):
    """The patch embedding, whose stride equals its kernel, as one matrix product; parameters keep their names."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.proj = convolution

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(patches, 1176), or of grey pages (patches, 196), to (patches, width)."""
        weight = self.proj.weight
        product = _grey(weight) if patches.shape[1] == PATCH**2 else (weight.flatten(1), None)
        return linear(patches.to(weight.dtype), *product)


def _grey(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias for grey pages, whose three colours and two frames are equal but for the normalisation."""
    colours = weight.sum(2).flatten(2)
    mean, std = (torch.from_numpy(each).to(weight)[:, None] for each in (MEAN, STD))
    return (colours / std).sum(1), -(colours * (mean / std)).sum((1, 2))


class Layout(NamedTuple):
    """Of the patches of one page. It depends on the page's size alone, so it is found once."""

    places: torch.Tensor
    """int64 (patches, 2): row and column, in the order of the patches."""
    order: torch.Tensor
    """int64 (patches / 4,): the merged patches, window after window."""
    windows: tuple[int, ...]
    """Patches of each window."""


def page_features(model: Qwen2_5_VLForConditionalGeneration, pixels: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
    """(tokens, width) of all pages, in order.

    Args:
        pixels: (patches, 1176), or of grey pages (patches, 196).
        grids: int64 (pages, 3).
    """
    visual, device = model.model.visual, pixels.device
    layouts = [_layout(rows, columns, visual.window_size) for _, rows, columns in grids.tolist()]
    begins = list(accumulate((len(layout.order) for layout in layouts), initial=0))
    order = [layout.order + begin for layout, begin in zip(layouts, begins, strict=False)]
    out = visual(
        pixels.to(visual.dtype),
        grid_thw=grids,
        position_ids=torch.cat([layout.places for layout in layouts]).to(device),
        window_index=torch.cat(order).to(device),
        cu_window_seqlens=_bounds([length for layout in layouts for length in layout.windows], device),
        cu_seqlens=_bounds([len(layout.places) for layout in layouts], device),
    )
    return out.pooler_output


@cache
def _layout(rows: int, columns: int, window: int) -> Layout:
    grid = torch.tensor([[1, rows, columns]])
    order, bounds = get_vision_window_index(grid, MERGE, window, PATCH)
    return Layout(get_vision_position_ids(grid, MERGE), order, tuple(bounds.diff().tolist()))


def _bounds(lengths: list[int], device: torch.device) -> torch.Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
