"""Greedy replies to prompts of which a part was read before."""

import copy
from collections.abc import Sequence

import torch
from transformers import Cache

from mmprolong.models.network import Batch, Network


@torch.inference_mode()
def read(network: Network, prefixes: Batch) -> Cache:
    """Return the cache of equally long prefixes, a row each."""
    cache = network.new_cache()
    if prefixes.ids.shape[1]:
        network.hidden(network.embed(prefixes), cache)
    return cache


@torch.inference_mode()
def copy_rows(cache: Cache, rows: Sequence[int]) -> Cache:
    """Return a cache of its own for each of `rows`, which may repeat."""
    own = copy.copy(cache)
    own.layers = [copy.copy(layer) for layer in cache.layers]
    own.batch_select_indices(torch.tensor(rows))  # which makes new tensors, layer by layer
    return own


@torch.inference_mode()
def next_logits(network: Network, cache: Cache, rest: Batch) -> torch.Tensor:
    """Return the logits of the token behind each row (rows, vocabulary); no others are computed.

    Args:
        cache: of what precedes `rest`; grows.
    """
    return network.logits(network.hidden(network.embed(rest), cache)[:, -1])


@torch.inference_mode()
def greedy(network: Network, cache: Cache, rest: Batch, ends: Sequence[int], limit: int) -> list[list[int]]:
    """Return the ids of each row's reply, its end included where it was reached.

    Args:
        cache: of what precedes `rest`; grows.
        rest: what the prompts have behind it; the last token is text.
        ends: ids that end a reply.
        limit: longest reply [tokens].
    """
    stops = torch.tensor(ends, device=rest.ids.device)
    ended = torch.zeros(len(rest.ids), dtype=torch.bool, device=rest.ids.device)
    replies: list[torch.Tensor] = []
    while True:
        chosen = next_logits(network, cache, rest).argmax(-1)
        replies.append(chosen)
        ended |= torch.isin(chosen, stops)
        if len(replies) == limit or bool(ended.all()):
            return [_until(row, ends) for row in torch.stack(replies, 1).tolist()]
        rest = Batch(chosen[:, None], rest.positions[..., -1:] + 1)


def _until(ids: list[int], ends: Sequence[int]) -> list[int]:
    return ids[: next((place for place, index in enumerate(ids) if index in ends), len(ids)) + 1]
