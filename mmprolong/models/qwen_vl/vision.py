"""Features of images, with less work than transformers does for the same numbers: layouts are found once a size."""

from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import linear
from transformers.vision_utils import (
    get_vision_interpolation_indices_and_weights,
    get_vision_position_ids,
    get_vision_window_index,
)

from mmprolong.models.qwen_vl.image_format import ImageFormat

Features = tuple[torch.Tensor, tuple[torch.Tensor, ...]]
"""(tokens, width) of all images in order, and the same for each level of DeepStack."""


class PatchEmbedding(nn.Module):
    """The patch embedding, whose stride equals its kernel, as one matrix product; parameters keep their names."""

    def __init__(self, convolution: nn.Conv3d, form: ImageFormat) -> None:
        super().__init__()
        self.proj = convolution
        self._form = form

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Map (patches, 3 * 2 * side * side), or of grey pages (patches, side * side), to (patches, width)."""
        weight, bias = self.proj.weight, self.proj.bias
        if patches.shape[1] == self._form.patch**2:
            weight, offset = self._grey(weight)
            bias = offset if bias is None else bias + offset
        return linear(patches.to(weight.dtype), weight.flatten(1), bias)

    def _grey(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight and bias for grey pages, whose colours and frames are equal but for the normalisation."""
        colours = weight.sum(2).flatten(2)
        mean, std = (torch.tensor(each).to(weight)[:, None] for each in (self._form.mean, self._form.std))
        return (colours / std).sum(1), -(colours * (mean / std)).sum((1, 2))


class Windows(NamedTuple):
    """Windows over the patches of one page."""

    places: torch.Tensor
    """int64 (patches, 2): row and column, in the order of the patches."""
    order: torch.Tensor
    """int64 (patches / 4,): the merged patches, window after window."""
    lengths: tuple[int, ...]
    """Patches of each window."""


def windowed_features(visual: Any, pixels: torch.Tensor, grids: torch.Tensor) -> Features:
    """Run the vision tower of Qwen2.5-VL.

    Args:
        pixels: (patches, width), or of grey pages (patches, side * side).
        grids: int64 (pages, 3).
    """
    sizes = visual.spatial_merge_size, visual.window_size, visual.patch_size
    pages = [_windows(rows, columns, *sizes) for _, rows, columns in grids.tolist()]
    begins = list(accumulate((len(page.order) for page in pages), initial=0))
    order = [page.order + begin for page, begin in zip(pages, begins, strict=False)]
    device = pixels.device
    out = visual(
        pixels.to(visual.dtype),
        grid_thw=grids,
        position_ids=torch.cat([page.places for page in pages]).to(device),
        window_index=torch.cat(order).to(device),
        cu_window_seqlens=_bounds([length for page in pages for length in page.lengths], device),
        cu_seqlens=_bounds([len(page.places) for page in pages], device),
    )
    return out.pooler_output, ()


def deepstack_features(visual: Any, pixels: torch.Tensor, grids: torch.Tensor) -> Features:
    """Run the vision tower of Qwen3-VL; arguments as above."""
    sizes = visual.spatial_merge_size, visual.num_grid_per_side
    pages = [_interpolated(rows, columns, *sizes) for _, rows, columns in grids.tolist()]
    device = pixels.device
    places, indices, weights = (torch.cat(each).to(device) for each in zip(*pages, strict=True))
    out = visual(
        pixels.to(visual.dtype),
        grid_thw=grids,
        position_ids=places,
        interp_indices=indices,
        interp_weights=weights,
        cu_seqlens=_bounds([len(places) for places, *_ in pages], device),
    )
    return out.pooler_output, tuple(out.deepstack_features)


@cache
def _windows(rows: int, columns: int, merge: int, window: int, patch: int) -> Windows:
    grid = torch.tensor([[1, rows, columns]])
    order, bounds = get_vision_window_index(grid, merge, window, patch)
    return Windows(get_vision_position_ids(grid, merge), order, tuple(bounds.diff().tolist()))


@cache
def _interpolated(rows: int, columns: int, merge: int, side: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return places (patches, 2), and indices and weights (patches, 4) into the learned grid of positions."""
    grid = torch.tensor([[1, rows, columns]])
    taps = get_vision_interpolation_indices_and_weights(
        grid, side, mode="bilinear", align_corners=True, spatial_merge_size=merge
    )
    return get_vision_position_ids(grid, merge), *taps


def _bounds(lengths: list[int], device: torch.device) -> torch.Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
