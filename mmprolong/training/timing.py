"""Time of an update, from what its packs cost and what the hardware sustains. No torch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmprolong.models.flops import Flops, forward, trained
from mmprolong.models.shapes import Shape
from mmprolong.settings.execution import Hardware
from mmprolong.training.footprint import Seen, input_bytes, vision_share
from mmprolong.training.parallelism import Parallelism, sequence_ranks

_GIGA, _TERA = 1e9, 1e12
_HALF = 2
"""Bytes of a number under way between ranks."""
_MOVED = 34
"""Bytes that an optimizer's step reads and writes for each parameter: weights, gradients, copies, moments."""


@dataclass(frozen=True, slots=True)
class Update:
    """The time of one update."""

    seconds: float
    idle: float
    """Share of all ranks' time in which they wait for the rank whose pack takes longest."""


def deal(costs: Sequence[float], ranks: int) -> Iterator[list[int]]:
    """Yield the packs of each round, by place in `costs`: sorted, so that packs of one round cost alike."""
    order = sorted(range(len(costs)), key=lambda place: (-costs[place], place))
    for begin in range(0, len(order), ranks):
        yield order[begin : begin + ranks]


def update_time(seconds: Sequence[float], ranks: int, step: float = 0.0) -> Update:
    """Return the time of an update, in rounds of one pack for each data rank.

    Args:
        seconds: of each pack.
        ranks: data ranks.
        step: of the optimizer [s].
    """
    rounds = [max(seconds[place] for place in places) for places in deal(seconds, ranks)]
    total = sum(rounds) + step
    return Update(total, max(0.0, 1 - (sum(seconds) / ranks + step) / total) if total else 0.0)


def pack_flops(shape: Shape, conversations: Iterable[Seen]) -> Flops:
    """Return the operations of one forward pass over the conversations of a pack."""
    return sum((forward(shape, each.tokens, each.supervised, each.images) for each in conversations), Flops())


def pack_seconds(
    shape: Shape, once: Flops, pack: Seen, parallel: Parallelism, hardware: Hardware, frozen: Iterable[str] = ()
) -> float:
    """Return the time that the ranks of a sequence take for a pack, forward and backward [s].

    Gathering weights and reducing gradients overlap with the work; the exchange of heads and offloading do not.

    Args:
        once: as `pack_flops` has it.
    """
    done = trained(once, frozen, parallel.recompute)
    uneven = vision_share(parallel, pack)
    seen = (done.patches + done.vision + done.projector) * uneven
    products = seen + (done.language + done.head) / parallel.sequence
    kernels = done.vision_attention * uneven + done.attention / parallel.sequence
    peak = hardware.peak * _TERA
    work = products / (peak * hardware.products) + kernels / (peak * hardware.attention)
    exchange = _exchanged(shape, pack, parallel) / (_between(parallel.sequence, parallel, hardware) * _GIGA)
    offloaded = 2 * input_bytes(shape, parallel, pack) if parallel.inputs_offloaded else 0
    shared = _shared(shape, parallel) / (_between(parallel.ranks, parallel, hardware) * _GIGA)
    return max(work, shared) + exchange + offloaded / (hardware.host * _GIGA)


def step_seconds(shape: Shape, parallel: Parallelism, hardware: Hardware, frozen: Iterable[str] = ()) -> float:
    """Return the time of the optimizer's step [s]; one that is offloaded is as slow as the way to the node's memory."""
    own = shape.trained(tuple(frozen)) / (parallel.ranks if parallel.zero else 1)
    return own * _MOVED / ((hardware.host if parallel.offload != "none" else hardware.bandwidth) * _GIGA)


def _exchanged(shape: Shape, pack: Seen, parallel: Parallelism) -> float:
    """Return the bytes that a rank sends in exchanging tokens for heads, in all passes."""
    text, ranks = shape.text, parallel.sequence
    if ranks == 1:
        return 0
    key = sequence_ranks(text, ranks, ranks).kv_heads * ranks * text.head_dim
    tokens = pack.tokens / ranks * (ranks - 1) / ranks
    return (3 if parallel.recompute else 2) * text.layers * tokens * 2 * (text.query + key) * _HALF


def _shared(shape: Shape, parallel: Parallelism) -> float:
    """Return the bytes that a rank receives and sends for the states that ZeRO splits, for one pack."""
    if parallel.ranks == 1 or parallel.zero < 2:
        return 0
    passes = 1 + (2 + parallel.recompute if parallel.zero == 3 else 0)
    return passes * shape.total * _HALF * (parallel.ranks - 1) / parallel.ranks


def _between(ranks: int, parallel: Parallelism, hardware: Hardware) -> float:
    """Return the rate between so many ranks, neighbours as far as possible [GB/s]."""
    return hardware.link if ranks <= parallel.ranks_per_node else hardware.network
