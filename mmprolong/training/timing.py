"""Time of an update, from what its packs cost and what the hardware sustains. No torch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmprolong.models.flops import Flops, forward, trained
from mmprolong.models.shapes import Shape
from mmprolong.settings.hardware import Hardware
from mmprolong.training.footprint import Seen, input_bytes, vision_share
from mmprolong.training.layouts import Layout, sequence_of

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
    shape: Shape, once: Flops, pack: Seen, layout: Layout, hardware: Hardware, frozen: Iterable[str] = ()
) -> float:
    """Return the time that the ranks of a sequence take for a pack, forward and backward [s].

    Gathering weights and reducing gradients overlap with the work; the exchange of heads and offloading do not.

    Args:
        once: as `pack_flops` has it.
    """
    done = trained(once, frozen, layout.recompute)
    uneven = vision_share(layout, pack)
    seen = (done.patches + done.vision + done.projector) * uneven
    products = seen + (done.language + done.head) / layout.sequence
    kernels = done.vision_attention * uneven + done.attention / layout.sequence
    peak = hardware.peak * _TERA
    work = products / (peak * hardware.products) + kernels / (peak * hardware.attention)
    exchange = _exchanged(shape, pack, layout) / (_between(layout.sequence, layout, hardware) * _GIGA)
    offloaded = 2 * input_bytes(shape, layout, pack) if layout.offload_activations else 0
    shared = _shared(shape, layout) / (_between(layout.ranks, layout, hardware) * _GIGA)
    return max(work, shared) + exchange + offloaded / (hardware.host * _GIGA)


def step_seconds(shape: Shape, layout: Layout, hardware: Hardware, frozen: Iterable[str] = ()) -> float:
    """Return the time of the optimizer's step [s]; one that is offloaded is as slow as the way to the node's memory."""
    own = shape.trained(tuple(frozen)) / (layout.ranks if layout.zero else 1)
    return own * _MOVED / ((hardware.host if layout.offload == "optimizer" else hardware.bandwidth) * _GIGA)


def _exchanged(shape: Shape, pack: Seen, layout: Layout) -> float:
    """Return the bytes that a rank sends in exchanging tokens for heads, in all passes."""
    text, ranks = shape.text, layout.sequence
    if ranks == 1:
        return 0
    key = sequence_of(text, ranks, ranks).kv_heads * ranks * text.head_dim
    tokens = pack.tokens / ranks * (ranks - 1) / ranks
    return (3 if layout.recompute else 2) * text.layers * tokens * 2 * (text.query + key) * _HALF


def _shared(shape: Shape, layout: Layout) -> float:
    """Return the bytes that a rank receives and sends for the states that ZeRO splits, for one pack."""
    if layout.ranks == 1 or layout.zero < 2:
        return 0
    passes = 1 + (2 + layout.recompute if layout.zero == 3 else 0)
    return passes * shape.total * _HALF * (layout.ranks - 1) / layout.ranks


def _between(ranks: int, layout: Layout, hardware: Hardware) -> float:
    """Return the rate between so many ranks, neighbours as far as possible [GB/s]."""
    return hardware.link if ranks <= layout.ranks_per_node else hardware.network
