"""Attention within sequences that lie end to end, by the fastest kernel there is: no mask, no work across sequences."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.utils.import_utils import is_flash_attn_2_available

from mmprolong.errors import ConfigError

FLASH, VARLEN, SDPA = "flash_attention_2", "varlen", "sdpa"
_LONG = 32_768
"""From here on a GPU needs a kernel of its own: sdpa may fall back to a dense matrix of scores, without a word."""


class Sequences(NamedTuple):
    """Where sequences begin and end."""

    bounds: torch.Tensor
    """int32 (sequences + 1,)."""
    longest: int
    """Tokens of the longest, or more."""

    @classmethod
    def equal(cls, count: int, length: int, device: torch.device) -> "Sequences":
        """Return sequences of one length."""
        return cls(torch.arange(count + 1, dtype=torch.int32, device=device) * length, length)


Kernel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Sequences, Sequences, bool, float | None], torch.Tensor]
"""Takes the arguments of `packed`."""


def packed(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    queries: Sequences,
    keys: Sequences,
    causal: bool,
    scaling: float | None,
) -> torch.Tensor:
    """Attend within each sequence.

    Args:
        query, key, value: (tokens, heads, width); key and value may have fewer heads.
        queries: as many as `keys`; each holds the last tokens of its sequence of keys.
        scaling: of the scores; none: that of the width.

    Returns:
        (tokens, heads, width).

    Raises:
        ConfigError: a sequence is too long for the kernels that this GPU has.
    """
    name = choose(query.device, query.dtype)
    check_length(name, query.device, query.dtype, keys.longest)
    return _kernel(name)(query, key, value, queries, keys, causal, scaling)


@cache
def choose(device: torch.device, dtype: torch.dtype) -> str:
    """Return the name of the kernel for tensors on a device."""
    on_gpu = device.type == "cuda"
    capability = torch.cuda.get_device_capability(device) if on_gpu else None
    return best(dtype, capability, on_gpu and is_flash_attn_2_available())


def best(dtype: torch.dtype, capability: tuple[int, int] | None, flash_installed: bool) -> str:
    """Return the name of the fastest kernel.

    Args:
        capability: compute capability of the GPU; none: no GPU.
    """
    if capability is None or capability < (8, 0) or dtype not in (torch.bfloat16, torch.float16):
        return SDPA
    return FLASH if flash_installed else VARLEN


def check_length(name: str, device: torch.device, dtype: torch.dtype, longest: int) -> None:
    """Refuse a long sequence for which only a dense matrix of scores is left.

    Raises:
        ConfigError: says what to set and what to install.
    """
    if name == SDPA and device.type == "cuda" and longest >= _LONG:
        raise ConfigError(
            f"attention: a sequence of {longest:,} tokens in {str(dtype).removeprefix('torch.')} has no packed kernel "
            f"on this GPU; set model.dtype=bfloat16 and take a GPU of compute capability 8.0 or newer (torch brings "
            f"the kernel, or `pip install flash-attn --no-build-isolation`), or keep sequences under {_LONG:,} tokens"
        )


@cache
def _kernel(name: str) -> Kernel:
    if name == FLASH:
        from flash_attn import flash_attn_varlen_func  # pyright: ignore[reportMissingImports]

        return by_flash_attention(flash_attn_varlen_func)
    if name == VARLEN:
        from torch.nn.attention.varlen import varlen_attn

        return by_varlen(varlen_attn)
    return by_sdpa


def by_flash_attention(function: Callable[..., Any]) -> Kernel:
    """Return the kernel that calls `flash_attn_varlen_func`.

    Source: https://github.com/Dao-AILab/flash-attention/blob/
    005300258a22e5fc6be621063c3d5704e82b89d9/flash_attn/flash_attn_interface.py
    """

    def attend(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        queries: Sequences,
        keys: Sequences,
        causal: bool,
        scaling: float | None,
    ) -> torch.Tensor:
        bounds = {"cu_seqlens_q": queries.bounds, "cu_seqlens_k": keys.bounds}
        longest = {"max_seqlen_q": queries.longest, "max_seqlen_k": keys.longest}
        return function(query, key, value, **bounds, **longest, softmax_scale=scaling, causal=causal)

    return attend


def by_varlen(function: Callable[..., Any]) -> Kernel:
    """Return the kernel that calls `torch.nn.attention.varlen.varlen_attn`, to which causal is a window."""

    def attend(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        queries: Sequences,
        keys: Sequences,
        causal: bool,
        scaling: float | None,
    ) -> torch.Tensor:
        bounds = queries.bounds, keys.bounds, queries.longest, keys.longest
        window = (-1, 0) if causal else (-1, -1)
        return function(query, key, value, *bounds, scale=scaling, window_size=window, enable_gqa=True)

    return attend


def by_sdpa(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    queries: Sequences,
    keys: Sequences,
    causal: bool,
    scaling: float | None,
) -> torch.Tensor:
    """Attend with torch's own function, neighbours of equal lengths in one call."""
    runs = list(_runs(queries.bounds.tolist(), keys.bounds.tolist()))
    asked = query.split([count * length for count, length, _ in runs])
    known = [count * length for count, _, length in runs]
    mixed = []
    for (count, length, before), q, k, v in zip(runs, asked, key.split(known), value.split(known), strict=True):
        mask = _lower_right(length, before, query.device) if causal and length < before else None
        q, k, v = (each.unflatten(0, (count, -1)).transpose(1, 2) for each in (q, k, v))
        out = scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal and mask is None, scale=scaling, enable_gqa=True
        )
        mixed.append(out.transpose(1, 2).flatten(0, 1))
    return torch.cat(mixed)


def _runs(queries: list[int], keys: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield runs of neighbours: how many, the tokens of each that ask, and those that they read."""
    lengths = ((high - low for low, high in pairwise(bounds)) for bounds in (queries, keys))
    for (asked, read), run in groupby(zip(*lengths, strict=True)):
        if asked:
            yield sum(1 for _ in run), asked, read


def _lower_right(asked: int, read: int, device: torch.device) -> torch.Tensor:
    return torch.ones(asked, read, dtype=torch.bool, device=device).tril(read - asked)
