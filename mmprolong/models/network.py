"""Tensors of conversations, and what objectives and engines use of a loaded model, whatever its family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from transformers import Cache

from mmprolong.conversations import Image
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone
from mmprolong.models.encoding import Encoded
from mmprolong.settings.knobs import Rope


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of one length S: one packed row, or a row for each prompt."""

    ids: torch.Tensor
    """int64 (rows, S)."""
    positions: torch.Tensor
    """int64 (1 + axes, rows, S): index within the conversation, then the model's own positions.

    The first is what packed conversations are kept apart by: it must be the plain index, not the temporal row of mRoPE.
    """
    supervised: torch.Tensor
    """bool (rows, S)."""
    pixels: torch.Tensor | None = None
    """float32 (patches, width) of all images, row after row."""
    grids: torch.Tensor | None = None
    """int64 (images, 3): frames, rows and columns of patches."""

    def to(self, device: torch.device) -> "Batch":
        """Return the same on a device."""
        tensors = (getattr(self, field.name) for field in fields(self))
        return Batch(*(None if each is None else each.to(device, non_blocking=True) for each in tensors))  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch with its images encoded and merged: all that the language model reads."""

    embeddings: torch.Tensor
    """(rows, S, width)."""
    positions: torch.Tensor
    """int64 (1 + axes, rows, S)."""
    image: torch.Tensor
    """bool (rows, S): tokens of images."""
    deep: tuple[torch.Tensor, ...] = ()
    """(image tokens, width) that are added behind the first, second, ... layer (DeepStack)."""

    def slice(self, begin: int, end: int) -> "Embedded":
        """Return the tokens from `begin` to before `end` of every row."""
        image = self.image[:, begin:end]
        number = (self.image.flatten().cumsum(0) - 1).view_as(self.image)[:, begin:end][image]
        deep = tuple(each[number] for each in self.deep)
        return Embedded(self.embeddings[:, begin:end], self.positions[..., begin:end], image, deep)


class Network(Protocol):
    """A loaded model."""

    @property
    def module(self) -> nn.Module:
        """The module with all parameters, which an engine trains, wraps and moves."""
        ...

    @property
    def rope_base(self) -> float:
        """Rotary base in force."""
        ...

    def embed(self, batch: Batch) -> Embedded:
        """Encode and merge the images of a batch."""
        ...

    def hidden(self, embedded: Embedded, cache: Cache | None = None) -> torch.Tensor:
        """Return the last layer's states (rows, S, width).

        Args:
            cache: of what precedes, and that this is added to; rows are then one prompt each. Without one there is a
                single row, whose packed conversations attend each to itself only.
        """
        ...

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (..., vocabulary)."""
        ...

    def new_cache(self) -> Cache:
        """Return an empty cache."""
        ...

    def parts(self) -> Mapping[str, list[nn.Parameter]]:
        """Return the parameters of `vision`, `projector` and `language`; each is in one of them."""
        ...

    def set_rope(self, rope: Rope) -> str:
        """Apply a rotary base, a multiple of the family's native one; 0 keeps the model's own.

        Returns:
            The fingerprint of the frequencies in force.

        Raises:
            DataError: they are not those of the base that the configuration states.
        """
        ...

    def export(self, folder: Path) -> None:
        """Write a Hugging Face folder: weights (safetensors), configuration, tokenizer, processor."""
        ...


def collate(documents: Sequence[Encoded], backbone: Backbone, images: Images) -> Batch:
    """Pack conversations end to end into one row; positions start at 0 in each."""
    parts = [_Part.of(document, backbone, 0, len(document)) for document in documents]
    ids, supervised = (np.concatenate(each)[None] for each in zip(*((p.ids, p.supervised) for p in parts), strict=True))
    positions = np.concatenate([part.positions for part in parts], 1)[:, None]
    return _batch(ids, positions, supervised, parts, backbone, images)


def collate_rows(
    documents: Sequence[Encoded], backbone: Backbone, images: Images, begin: int = 0, end: int | None = None
) -> Batch:
    """Lay the tokens from `begin` to before `end` of each prompt into a row of its own; all rows are equally long.

    Args:
        end: none: to the end of the prompt. No image lies across `begin` or `end`.
    """
    parts = [_Part.of(document, backbone, begin, len(document) if end is None else end) for document in documents]
    ids, supervised = (np.stack(each) for each in zip(*((p.ids, p.supervised) for p in parts), strict=True))
    positions = np.stack([part.positions for part in parts], 1)
    return _batch(ids, positions, supervised, parts, backbone, images)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a conversation."""

    ids: np.ndarray
    positions: np.ndarray
    """int64 (1 + axes, tokens)."""
    supervised: np.ndarray
    images: list[Image]
    grids: np.ndarray

    @classmethod
    def of(cls, document: Encoded, backbone: Backbone, begin: int, end: int) -> "_Part":
        index, own = np.arange(len(document))[None], backbone.positions(document)
        positions = index if own is None else np.concatenate([index, own])
        inside = np.flatnonzero((document.spans[:, 0] >= begin) & (document.spans[:, 0] < end))
        shown = [document.images[each] for each in inside]
        cut = slice(begin, end)
        return cls(document.ids[cut], positions[:, cut], document.supervised[cut], shown, document.grids[inside])


def _batch(
    ids: np.ndarray,
    positions: np.ndarray,
    supervised: np.ndarray,
    parts: Sequence[_Part],
    backbone: Backbone,
    images: Images,
) -> Batch:
    pages = [images.pixels(image) for part in parts for image in part.images]
    grids = np.concatenate([part.grids for part in parts])
    return Batch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        supervised=torch.from_numpy(supervised),
        pixels=torch.from_numpy(backbone.patches(pages, grids)) if pages else None,
        grids=torch.from_numpy(grids) if pages else None,
    )
