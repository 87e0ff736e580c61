"""Tensors for one packed sequence, and the forward that keeps its documents apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Pillow
from transformers import Qwen2_5_VLForConditionalGeneration

from mmprolong.models.encoding import PATCH, Encoded
from mmprolong.models.qwen_vl.attention import NAME
from mmprolong.models.qwen_vl.patches import patchify
from mmprolong.models.qwen_vl.positions import positions
from mmprolong.models.qwen_vl.vision import page_features
from mmprolong.records import Image

Show = Callable[[Image], np.ndarray]
"""The pixels of a page: uint8 (H, W) or (H, W, 3)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """One packed sequence."""

    ids: torch.Tensor
    """int64 (1, S)."""
    positions: torch.Tensor
    """int64 (4, 1, S): index within the document, then mRoPE."""
    supervised: torch.Tensor
    """bool (S,)."""
    pixels: torch.Tensor | None
    """float32 (patches, 1176), or of grey pages (patches, 196)."""
    grids: torch.Tensor | None
    """int64 (images, 3)."""

    def to(self, device: torch.device) -> "Inputs":
        """The same on a device."""
        moved = [None if tensor is None else tensor.to(device, non_blocking=True) for tensor in self._tensors()]
        return Inputs(*moved)  # pyright: ignore[reportArgumentType]

    def _tensors(self) -> tuple[torch.Tensor | None, ...]:
        return self.ids, self.positions, self.supervised, self.pixels, self.grids


def collate(documents: Sequence[Encoded], show: Show, image_token: int) -> Inputs:
    """Lay documents end to end; positions begin anew with each."""
    grids = np.concatenate([document.grids for document in documents])
    pages = [_fitted(show(image), grid) for document in documents for image, grid in _images(document)]
    return Inputs(
        ids=torch.from_numpy(np.concatenate([document.ids for document in documents]))[None],
        positions=torch.from_numpy(np.concatenate([positions(each, image_token) for each in documents], 1))[:, None],
        supervised=torch.from_numpy(np.concatenate([document.supervised for document in documents])),
        pixels=torch.from_numpy(patchify(pages)) if pages else None,
        grids=torch.from_numpy(grids) if pages else None,
    )


def last_hidden(model: Qwen2_5_VLForConditionalGeneration, inputs: Inputs) -> torch.Tensor:
    """Hidden states (S, width) of the last layer, each document attending to itself only.

    No attention mask, no cache, and the plain index as first row of the positions: transformers keeps documents apart
    only under these three conditions, and silently lets them see each other otherwise. Our own attention needs no mask,
    so none is built.
    """
    language = model.model.language_model
    embedded = language.embed_tokens(inputs.ids[0])
    if inputs.pixels is not None and inputs.grids is not None:
        shown = (inputs.ids[0] == model.config.image_token_id).nonzero()[:, 0]
        embedded = embedded.index_put((shown,), page_features(model, inputs.pixels, inputs.grids))
    out = language(
        inputs_embeds=embedded[None],
        attention_mask={"full_attention": None} if language.config._attn_implementation == NAME else None,
        position_ids=inputs.positions,
        use_cache=False,
    )
    return out.last_hidden_state[0]


def _images(document: Encoded) -> list[tuple[Image, np.ndarray]]:
    return list(zip(document.images, document.grids, strict=True))


def _fitted(page: np.ndarray, grid: np.ndarray) -> np.ndarray:
    height, width = int(grid[1]) * PATCH, int(grid[2]) * PATCH
    if page.shape[:2] == (height, width):
        return page
    return np.asarray(Pillow.fromarray(page).resize((width, height), Pillow.Resampling.BICUBIC))
