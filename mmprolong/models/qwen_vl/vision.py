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


def normalised(patches: torch.Tensor, form: ImageFormat) -> torch.Tensor:
    """Return float32 (patches, 3, side * side) of uint8 patches, as transformers' own processor computes them."""
    mean, std = (torch.tensor(each, device=patches.device)[:, None] for each in (form.mean, form.std))
    return patches.float().mul_(1 / 255).view(len(patches), 3, -1).sub_(mean).div_(std)


class PatchProjection(nn.Module):
    """The patch embedding, whose stride equals its kernel, as one matrix product.

    It owns the weight that it reads: ZeRO-3 gathers a parameter for the forward of the module that owns it alone. The
    two frames of a still image are equal, so their weights are added, for half the work. In float32 the logits equal
    those of two frames (root mean square 4e-6 of their spread); in bfloat16 both are equally far from float64.
    """

    bias: torch.Tensor | None

    def __init__(self, convolution: nn.Conv3d, form: ImageFormat) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.form = form

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Map uint8 (patches, 3 * side * side), or of grey pages (patches, side * side), to (patches, width)."""
        colours = self.weight.sum(2).flatten(2)
        if patches.shape[1] == self.form.patch**2:
            weight, offset = self._grey(colours)
            bias = offset if self.bias is None else self.bias + offset
            return linear((patches.float() * (1 / 255)).to(weight.dtype), weight, bias)
        return linear(normalised(patches, self.form).flatten(1).to(colours.dtype), colours.flatten(1), self.bias)

    def _grey(self, colours: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight and bias for grey pages, whose colours are equal but for the normalisation."""
        mean, std = (torch.tensor(each).to(colours)[:, None] for each in (self.form.mean, self.form.std))
        return (colours / std).sum(1), -(colours * (mean / std)).sum((1, 2))


class PatchEmbedding(nn.Module):
    """The projection under the name that its parameters have in a checkpoint."""

    def __init__(self, convolution: nn.Conv3d, form: ImageFormat) -> None:
        super().__init__()
        self.proj = PatchProjection(convolution, form)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return (patches, width)."""
        return self.proj(patches)


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
        pixels: uint8 (patches, 3 * side * side), or of grey pages (patches, side * side).
        grids: int64 (pages, 3).
    """
    sizes = visual.spatial_merge_size, visual.window_size, visual.patch_size
    pages = [_windows(rows, columns, *sizes) for _, rows, columns in grids.tolist()]
    begins = list(accumulate((len(page.order) for page in pages), initial=0))
    order = [page.order + begin for page, begin in zip(pages, begins, strict=False)]
    device = pixels.device
    windows, lengths = [length for page in pages for length in page.lengths], [len(page.places) for page in pages]
    out = visual(
        pixels,
        grid_thw=grids,
        position_ids=torch.cat([page.places for page in pages]).to(device),
        window_index=torch.cat(order).to(device),
        cu_window_seqlens=_bounds(windows, device),
        max_window_seqlen=max(windows),
        cu_seqlens=_bounds(lengths, device),
        max_seqlen=max(lengths),
    )
    return out.pooler_output, ()


def deepstack_features(visual: Any, pixels: torch.Tensor, grids: torch.Tensor) -> Features:
    """Run the vision tower of Qwen3-VL; arguments as above."""
    sizes = visual.spatial_merge_size, visual.num_grid_per_side
    pages = [_interpolated(rows, columns, *sizes) for _, rows, columns in grids.tolist()]
    device = pixels.device
    places, indices, weights = (torch.cat(each).to(device) for each in zip(*pages, strict=True))
    lengths = [len(places) for places, *_ in pages]
    out = visual(
        pixels,
        grid_thw=grids,
        position_ids=places,
        interp_indices=indices,
        interp_weights=weights,
        cu_seqlens=_bounds(lengths, device),
        max_seqlen=max(lengths),
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
