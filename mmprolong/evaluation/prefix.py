"""Greedy replies to many questions about few documents: a document is read once, its questions share the cache."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import DynamicCache, Qwen2_5_VLForConditionalGeneration

from mmprolong.models.encoding import Encoded
from mmprolong.models.qwen_vl.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about document number `document`: the ids that follow the shared prefix, and where they begin."""

    document: int
    ids: np.ndarray
    start: int
    """mRoPE position of the first of them."""


@torch.inference_mode()
def read(model: Qwen2_5_VLForConditionalGeneration, documents: Sequence[Inputs]) -> DynamicCache:
    """The cache of equally long documents, one row each."""
    cache = DynamicCache(config=model.config.get_text_config())
    pixels = [document.pixels for document in documents if document.pixels is not None]
    grids = [document.grids for document in documents if document.grids is not None]
    model.model(
        input_ids=torch.cat([document.ids for document in documents]),
        position_ids=torch.cat([document.positions[1:] for document in documents], 1),
        pixel_values=torch.cat(pixels) if pixels else None,
        image_grid_thw=torch.cat(grids) if grids else None,
        past_key_values=cache,
        use_cache=True,
    )
    return cache


@torch.inference_mode()
def reply(
    model: Qwen2_5_VLForConditionalGeneration,
    cache: DynamicCache,
    asked: Sequence[Asked],
    end: int,
    new_tokens: int,
    rows: int,
) -> Iterator[tuple[int, list[int]]]:
    """(index into `asked`, reply ids with `end` if it was reached) for every question.

    Args:
        rows: questions to answer at once; each needs a copy of its document's cache, except one alone.
    """
    one_document = len({question.document for question in asked}) == 1
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, question in enumerate(asked):
        by_length[len(question.ids)].append(index)
    for indices in by_length.values():
        for first in range(0, len(indices), rows):
            chosen = indices[first : first + rows]
            alone = one_document and len(chosen) == 1
            ids = _decode(model, cache, [asked[index] for index in chosen], end, new_tokens, alone)
            yield from zip(chosen, ids, strict=True)


def _decode(
    model: Qwen2_5_VLForConditionalGeneration,
    cache: DynamicCache,
    asked: Sequence[Asked],
    end: int,
    limit: int,
    alone: bool,
) -> list[list[int]]:
    device = next(model.parameters()).device
    length = cache.get_seq_length()
    own = cache if alone else _rows(cache, torch.tensor([question.document for question in asked], device=device))
    ids = torch.from_numpy(np.stack([question.ids for question in asked])).to(device)
    start = torch.tensor([question.start for question in asked], device=device)
    replies: list[torch.Tensor] = []
    ended = torch.zeros(len(asked), dtype=torch.bool, device=device)
    while len(replies) < limit and not bool(ended.all()):
        steps = torch.arange(ids.shape[1], device=device)
        places = (start[:, None] + steps)[None].expand(3, -1, -1)
        hidden = model.model(input_ids=ids, position_ids=places, past_key_values=own, use_cache=True).last_hidden_state
        start = start + ids.shape[1]
        ids = model.lm_head(hidden[:, -1:]).argmax(-1)
        replies.append(ids[:, 0])
        ended |= ids[:, 0] == end
    if alone:
        cache.crop(length - cache.get_seq_length())
    return [_until(row, end) for row in torch.stack(replies, 1).tolist()]


def _rows(cache: DynamicCache, rows: torch.Tensor) -> DynamicCache:
    own = copy.deepcopy(cache)
    own.batch_select_indices(rows)
    return own


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids


def split_prefix(prompts: Sequence[Encoded]) -> int:
    """Length of the prefix that all prompts of a document share; at least one token of each prompt stays outside."""
    shortest = min(len(prompt.ids) for prompt in prompts)
    table = np.stack([prompt.ids[: shortest - 1] for prompt in prompts])
    differs = (table != table[0]).any(0)
    return int(differs.argmax()) if differs.any() else shortest - 1
