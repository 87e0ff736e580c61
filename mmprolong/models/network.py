"""Tensors of conversations, and what objectives and engines use of a loaded model, whatever its family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, compress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from transformers import Cache

from mmprolong.conversations import Image
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone
from mmprolong.models.encoding import Encoded
from mmprolong.models.sequence import SequenceGroup
from mmprolong.settings.knobs import Rope


@dataclass(frozen=True, slots=True)
class Shard:
    """The stretch of a pack that a process works on: one of `count` equal ones, counted from 0."""

    index: int = 0
    count: int = 1


WHOLE = Shard()


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of one length S: one packed row or a shard of it, or a row for each prompt."""

    ids: torch.Tensor
    """int64 (rows, S)."""
    positions: torch.Tensor
    """int64 (1 + axes, rows, S): index within the conversation, then the model's own positions."""
    bounds: torch.Tensor | None = None
    """int32 (conversations + 1,): where the conversations of the whole pack begin and end; none: rows of prompts."""
    longest: int = 0
    """Tokens of the longest conversation."""
    places: torch.Tensor | None = None
    """int64 (targets,): places in the row of the tokens before the supervised ones."""
    labels: torch.Tensor | None = None
    """int64 (targets,): ids of the supervised tokens."""
    pixels: torch.Tensor | None = None
    """uint8 (patches, colours * side * side) of the images that this process encodes; one colour if all are grey."""
    grids: torch.Tensor | None = None
    """int64 (images, 3): frames, rows and columns of their patches."""
    seen: tuple[torch.Tensor, ...] = ()
    """Features of the images, (image tokens, width) each, if they are at hand; `pixels` is then none."""
    image_tokens: tuple[int, ...] = ()
    """Image tokens that each process encodes."""
    image_tokens_before: int = 0
    """Image tokens of the pack before this shard."""
    pieces: int = 1
    """Pieces in which the logits are computed; the same on all processes."""

    def to(self, device: torch.device) -> "Batch":
        """Return the same on a device."""
        return self._with(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """Return the same in memory from which a GPU copies while it computes."""
        return self._with(torch.Tensor.pin_memory)

    def _with(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {
            name: change(each) for name, each in values.items() if isinstance(each, torch.Tensor)
        }
        return replace(self, **changed, seen=tuple(map(change, self.seen)))


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
    bounds: torch.Tensor | None = None
    """This and the next as in `Batch`."""
    longest: int = 0


See = Callable[[Sequence[Image], np.ndarray], tuple[torch.Tensor, ...]]
"""Gives the features of images of these grids, int64 (images, 3), as `Network.see` does."""


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

    @property
    def heads(self) -> tuple[int, int]:
        """Heads of the language model's attention, and of its keys and values."""
        ...

    def join(self, group: SequenceGroup | None) -> None:
        """Work in step with other processes from now on: call every module for every batch.

        Args:
            group: those that share a pack with this one; none: each has packs of its own.
        """
        ...

    @property
    def attention(self) -> str:
        """Attention kernel in force."""
        ...

    def see(self, pixels: torch.Tensor, grids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the features of images, (image tokens, width) in order: of the tower, then of each DeepStack level.

        Args:
            pixels: as in `Batch`.
            grids: as in `Batch`.
        """
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
        """Apply rotary positions, by a factor over those of the published model; 0 keeps the model's own.

        Returns:
            The fingerprint of the frequencies in force.

        Raises:
            DataError: they are not those that the configuration states.
        """
        ...

    def export(self, folder: Path, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write a Hugging Face folder: weights (safetensors), configuration, tokenizer, processor.

        Args:
            weights: by the names of the parameters, where the module holds shards only.
        """
        ...


def collate(
    documents: Sequence[Encoded], backbone: Backbone, images: Images, shard: Shard = WHOLE, pieces: int = 1
) -> Batch:
    """Pack conversations end to end into one row; positions start at 0 in each.

    Args:
        shard: the stretch of the row to return. The row is filled up to equal stretches by one more conversation, and
            only the pages that this process encodes are drawn.
        pieces: in which the logits are computed.
    """
    padding = -sum(map(len, documents)) % shard.count
    if padding:
        documents = [*documents, blank(padding, backbone)]
    ids, supervised = (np.concatenate(each) for each in zip(*((d.ids, d.supervised) for d in documents), strict=True))
    positions = np.concatenate([_positions(document, backbone) for document in documents], 1)[:, None]
    size = len(ids) // shard.count
    begin, end = shard.index * size, (shard.index + 1) * size
    targets = supervised.nonzero()[0]
    targets = targets[(targets > begin) & (targets <= end)]
    is_image = ids == backbone.image_token
    shown = [image for document in documents for image in document.images]
    grids = np.concatenate([document.grids for document in documents])
    tokens = [int((d.ids[a:b] == backbone.image_token).sum()) for d in documents for a, b in d.spans]
    owners = _owners(tokens, shard.count)
    own = owners == shard.index
    return Batch(
        ids=torch.from_numpy(ids[None, begin:end]),
        positions=torch.from_numpy(positions[..., begin:end]),
        bounds=torch.tensor([0, *accumulate(map(len, documents))], dtype=torch.int32),
        longest=max(map(len, documents)),
        places=torch.from_numpy(targets - 1 - begin),
        labels=torch.from_numpy(ids[targets]),
        **_images([image for image, mine in zip(shown, own, strict=True) if mine], grids[own], backbone, images),
        image_tokens=tuple(int(sum(np.array(tokens, int)[owners == index])) for index in range(shard.count)),
        image_tokens_before=int(is_image[:begin].sum()),
        pieces=pieces,
    )


def collate_rows(
    documents: Sequence[Encoded],
    backbone: Backbone,
    images: Images,
    begin: int = 0,
    end: int | None = None,
    see: See | None = None,
) -> Batch:
    """Lay the tokens from `begin` to before `end` of each prompt into a row of its own; all rows are equally long.

    Args:
        end: none: to the end of the prompt. No image lies across `begin` or `end`.
        see: gives the features of the images; none: the batch holds their pixels.
    """
    cut = slice(begin, end)
    inside = [[a >= begin and (end is None or a < end) for a, _ in document.spans] for document in documents]
    shown = [each for d, kept in zip(documents, inside, strict=True) for each in compress(d.images, kept)]
    grids = np.concatenate([d.grids[np.array(kept, bool)] for d, kept in zip(documents, inside, strict=True)])
    return Batch(
        ids=torch.from_numpy(np.stack([document.ids[cut] for document in documents])),
        positions=torch.from_numpy(np.stack([each[:, cut] for each in _row_positions(documents, backbone)], 1)),
        seen=see(shown, grids) if see and shown else (),
        **({} if see else _images(shown, grids, backbone, images)),
    )


def blank(tokens: int, backbone: Backbone) -> Encoded:
    """Return a conversation that teaches nothing, to fill a pack up."""
    ids, none = np.full(tokens, backbone.end[0], np.int64), np.zeros((0, 3), np.int64)
    return Encoded(ids, np.zeros(tokens, bool), (), none, none[:, :2])


def _positions(document: Encoded, backbone: Backbone) -> np.ndarray:
    """Return int64 (1 + axes, tokens)."""
    index, own = np.arange(len(document))[None], backbone.positions(document)
    return index if own is None else np.concatenate([index, own])


def _row_positions(documents: Sequence[Encoded], backbone: Backbone) -> list[np.ndarray]:
    """Return the positions of each prompt, found once for prompts that differ in the text behind the same images."""
    keys = [(document.spans.tobytes(), document.grids.tobytes()) for document in documents]
    longest = dict(sorted(zip(keys, documents, strict=True), key=lambda each: len(each[1])))
    found = {key: _positions(document, backbone) for key, document in longest.items()}
    return [found[key][:, : len(document)] for key, document in zip(keys, documents, strict=True)]


def _owners(tokens: Sequence[int], processes: int) -> np.ndarray:
    """Return the process that encodes each image: neighbours stay together, with as many tokens for each as can be."""
    middle = np.cumsum(tokens) - np.array(tokens) / 2
    return (middle * processes // max(sum(tokens), 1)).astype(int)


def _images(shown: Sequence[Image], grids: np.ndarray, backbone: Backbone, images: Images) -> dict[str, Any]:
    if not shown:
        return {}
    pixels = backbone.patches([images.pixels(image) for image in shown], grids)
    return {"pixels": torch.from_numpy(pixels), "grids": torch.from_numpy(grids)}
