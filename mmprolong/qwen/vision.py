"""Features of pages. How the vision tower lays out a page's patches depends on its size alone, so it is found once."""

from functools import cache
from itertools import accumulate
from typing import NamedTuple

import torch
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.vision_utils import get_vision_position_ids, get_vision_window_index

from mmprolong.qwen.encoding import MERGE, PATCH


class Layout(NamedTuple):
    """Of the patches of one page."""

    places: torch.Tensor
    """int64 (patches, 2): row and column, in the order of the patches."""
    order: torch.Tensor
    """int64 (patches / 4,): the merged patches, window after window."""
    windows: tuple[int, ...]
    """Patches of each window."""


def page_features(model: Qwen2_5_VLForConditionalGeneration, pixels: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
    """(tokens, width) of all pages, in order.

    Args:
        pixels: (patches, 1176).
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
