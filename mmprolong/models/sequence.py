"""Sequence parallelism (Ulysses): processes that share a pack, each with a stretch of its tokens.

Outside attention every process works on its own tokens. Around attention tokens are exchanged for heads, so that each
process attends over the whole pack with a share of the heads.

Source: arXiv 2309.14509, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.autograd import Function
from torch.nn.functional import pad


@dataclass(frozen=True, slots=True)
class SequenceGroup:
    """The processes that share a pack."""

    rank: int
    """Which stretch of the pack this process has."""
    size: int
    group: Any
    """Process group of torch.distributed."""

    def to_heads(self, states: torch.Tensor) -> torch.Tensor:
        """Turn (1, heads, tokens / size, width) into (1, heads / size, tokens, width).

        Fewer heads than processes are repeated first, as grouped-query attention reads them.
        """
        states = states.repeat_interleave(max(1, self.size // states.shape[1]), 1)
        own = states[0].unflatten(0, (self.size, -1))  # process, its heads, our tokens
        return _exchange(own, self).transpose(0, 1).flatten(1, 2)[None]

    def to_tokens(self, states: torch.Tensor) -> torch.Tensor:
        """Turn (1, tokens, heads / size, width) into (1, tokens / size, heads, width)."""
        own = states[0].unflatten(0, (self.size, -1))  # process, its tokens, our heads
        return _exchange(own, self).transpose(0, 1).flatten(1, 2)[None]

    def gather(self, rows: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """Concatenate the rows of all processes.

        Args:
            counts: rows of each process.
        """
        return _Gather.apply(rows, tuple(counts), self)  # pyright: ignore[reportReturnType]


def _exchange(blocks: torch.Tensor, group: SequenceGroup) -> torch.Tensor:
    """Send block i to process i; return what the others sent, in their order."""
    return _Exchange.apply(blocks, group)  # pyright: ignore[reportReturnType]


class _Exchange(Function):
    """All-to-all, which is its own transpose."""

    @staticmethod
    def forward(ctx: Any, blocks: torch.Tensor, group: SequenceGroup) -> torch.Tensor:
        ctx.group = group
        sent = blocks.contiguous()
        received = torch.empty_like(sent)  # of a tensor that is contiguous: else its strides would be kept
        dist.all_to_all_single(received, sent, group=group.group)
        return received

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _Exchange.forward(ctx, gradients[0], ctx.group), None


class _Gather(Function):
    """Rows of all processes; backward adds up what all of them made of this process's rows."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, counts: tuple[int, ...], group: SequenceGroup) -> torch.Tensor:
        ctx.counts, ctx.group = counts, group
        most = max(1, *counts)  # a pack may show no image
        sent = pad(rows, (0, 0, 0, most - len(rows))).contiguous()
        received = sent.new_empty(group.size * most, sent.shape[1])
        dist.all_gather_single(received, sent, group=group.group)
        return torch.cat([block[:count] for block, count in zip(received.split(most), counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total, group=ctx.group.group)
        return total.split(ctx.counts)[ctx.group.rank], None, None
