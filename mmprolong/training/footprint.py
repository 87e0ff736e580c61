"""Memory of one rank by part, and disk of its checkpoints, from the sizes of a model, a layout and a pack. No torch.

Bytes follow what the engines hold. `single`: weights, float32 copies of weights of half precision and of their
gradients, two moments. `deepspeed`: weights and gradients in bfloat16, float32 copies and moments split by ZeRO.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mmprolong.models.flops import Grid
from mmprolong.models.shapes import Shape
from mmprolong.training.layouts import Layout, sequence_of

GIB = 2**30
_HALF, _FULL = 2, 4
"""Bytes of a number."""
_MOMENTS = 2
_BUCKETS = 2 * 500_000_000 * _HALF
"""Gradients under way between ranks, DeepSpeed's default, twice [bytes]."""
_GATHERED = 2
"""Layers whose weights ZeRO 3 holds whole at a time."""
_CONTEXT = 1.5 * GIB
"""CUDA, NCCL and cuBLAS."""
_FRAGMENTS = 0.05
"""Of what is allocated, lost between blocks."""
LOGITS = 4096
"""Supervised tokens whose logits are in memory together."""
_KEPT_OFFLOADED = 2
"""Inputs of layers on the device at a time when they are offloaded."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A pack, as far as memory and time depend on it."""

    tokens: int
    supervised: int
    images: tuple[Grid, ...] = ()


def device_memory(
    shape: Shape, layout: Layout, pack: Seen, frozen: Iterable[str] = (), full: bool = False
) -> dict[str, float]:
    """Return the peak of one device by part [bytes].

    Args:
        frozen: parts that are not trained.
        full: weights are float32, and need no copies.
    """
    states = {part: here for part, (here, _) in _states(shape, layout, frozen, full).items()}
    number = _FULL if full else _HALF
    held = activations(shape, layout, pack, number)
    allocated = sum(states.values()) + sum(held.values())
    return {**states, **held, "reserve": _CONTEXT + _FRAGMENTS * allocated}


def host_memory(shape: Shape, layout: Layout, pack: Seen, frozen: Iterable[str] = ()) -> float:
    """Return what a rank keeps in its node's memory beside the process itself [bytes]."""
    offloaded = sum(away for _, away in _states(shape, layout, frozen, False).values())
    return offloaded + (input_bytes(shape, layout, pack) if layout.offload_activations else 0)


def input_bytes(shape: Shape, layout: Layout, pack: Seen) -> float:
    """Return the inputs of a rank's layers and blocks, which are kept until the backward pass [bytes]."""
    return sum(_inputs(shape, layout, pack, _HALF))


def vision_share(layout: Layout, pack: Seen) -> float:
    """Return the share of a pack's patches of the rank with the most; 1 / ranks where pages are split evenly."""
    return _own_patches(layout, pack) / sum(map(_area, pack.images)) if pack.images else 1 / layout.sequence


def checkpoint_disk(
    shape: Shape, layout: Layout, frozen: Iterable[str] = (), kept: int = 1, full: bool = False
) -> float:
    """Return the peak of a training step on the disk: checkpoints kept and one being written, or the model [bytes]."""
    trained = shape.trained(tuple(frozen))
    one = trained * (1 + _MOMENTS) * _FULL + (shape.total * _HALF if layout.zero else 0)
    return (kept + 1) * one + shape.total * (_FULL if full else _HALF)


def _states(shape: Shape, layout: Layout, frozen: Iterable[str], full: bool) -> dict[str, tuple[float, float]]:
    """Return weights, gradients and optimizer on the device and off it [bytes]."""
    total, trained, ranks = shape.total, shape.trained(tuple(frozen)), layout.ranks
    if not layout.zero:
        copies = 0 if full else _FULL
        gradients = trained * (_FULL if full else _HALF + _FULL)
        optimizer = trained * (copies + _MOMENTS * _FULL)
        return {
            "weights": (total * (_FULL if full else _HALF), 0),
            "gradients": (gradients, 0),
            "optimizer": (optimizer, 0),
        }
    weights = total * _HALF / (ranks if layout.zero == 3 else 1)
    if layout.zero == 3:
        text = shape.text
        weights += _GATHERED * _HALF * max(text.parameters / text.layers, text.vocabulary * text.hidden)
    away = layout.offload == "optimizer"
    gradients = trained * _HALF / (ranks if layout.zero >= 2 else 1)
    optimizer = trained * (1 + _MOMENTS) * _FULL / ranks
    buckets = min(_BUCKETS, 2 * trained * _HALF)
    if away:
        return {
            "weights": (weights, 0),
            "gradients": (buckets + (gradients if layout.zero == 1 else 0), trained * _FULL / ranks),
            "optimizer": (0, optimizer),
        }
    return {"weights": (weights, 0), "gradients": (gradients + buckets, 0), "optimizer": (optimizer, 0)}


def activations(
    shape: Shape, layout: Layout, pack: Seen, number: int = _HALF, logits: int = LOGITS
) -> dict[str, float]:
    """Return activations by part [bytes]: what waits for the backward pass, and the largest that is at work.

    Args:
        number: bytes of an activation.
        logits: supervised tokens whose logits are in memory together.
    """
    text, vision = shape.text, shape.vision
    tokens, patches = _own_tokens(layout, pack), _own_patches(layout, pack)
    layer, block = tokens * saved_of_layer(shape, layout.sequence, number), patches * saved_of_block(shape, number)
    language, seen = _inputs(shape, layout, pack, number)
    if layout.offload_activations:
        language *= min(1, _KEPT_OFFLOADED / text.layers)
        seen *= min(1, _KEPT_OFFLOADED / vision.depth) if vision else 0
    elif not layout.recompute:
        language, seen = layer * text.layers, block * vision.depth if vision else 0
    # embeddings before and after the merge, last states; features are gathered by all ranks of a sequence
    ends = 4 * number * tokens * text.hidden
    if vision:
        merged = sum(map(_area, pack.images)) / vision.merge**2
        seen += 2 * number * merged * text.hidden * (1 + vision.levels)
    # gradients under way in the feed-forward part of a layer, beside what it keeps
    layer += number * tokens * 2 * (text.ffn + text.hidden)
    block += number * patches * 2 * (vision.ffn + vision.hidden) if vision else 0
    heads = min(pack.supervised, logits) * text.vocabulary * (2 * number + 2 * _FULL)
    at_work = max(layer, heads, block - language)  # the tower's turn comes when the layers' inputs are gone
    return {"activations, language": language + ends, "activations, vision": seen, "at work": at_work}


def saved_of_layer(shape: Shape, sequence: int = 1, number: int = _HALF) -> float:
    """Return what a layer of the language model keeps of a token for its backward pass [bytes].

    Args:
        sequence: ranks that share a sequence; heads of keys and values that several need are held by each.
    """
    text = shape.text
    shared = sequence_of(text, sequence, sequence)
    key = shared.kv_heads * sequence * text.head_dim if sequence > 1 else text.key
    norms = 2 * text.hidden * (_FULL + 2 * number) + text.qk_norm * (text.query + text.key) * (_FULL + number)
    return norms + number * (3 * text.query + 2 * key + 4 * text.ffn)


def saved_of_block(shape: Shape, number: int = _HALF) -> float:
    """Return what a block of the vision tower keeps of a patch for its backward pass [bytes]."""
    vision = shape.vision
    if not vision:
        return 0
    norms = vision.hidden * 2 * _FULL if vision.gated else 0
    return norms + number * (11 * vision.hidden + (4 if vision.gated else 2) * vision.ffn)


def _inputs(shape: Shape, layout: Layout, pack: Seen, number: int) -> tuple[float, float]:
    """Return the inputs of all layers of the language model and of all blocks of the tower [bytes]."""
    text, vision = shape.text, shape.vision
    language = number * _own_tokens(layout, pack) * text.hidden * text.layers
    seen = number * _own_patches(layout, pack) * vision.hidden * vision.depth if vision else 0
    return language, seen


def _own_tokens(layout: Layout, pack: Seen) -> int:
    return -(-pack.tokens // layout.sequence)


def _own_patches(layout: Layout, pack: Seen) -> int:
    """Return the patches of the rank with the most: whole images are split over the ranks of a sequence."""
    ranks = [0] * layout.sequence
    for image in sorted(map(_area, pack.images), reverse=True):
        ranks[ranks.index(min(ranks))] += image
    return max(ranks)


def _area(grid: Grid) -> int:
    return grid[0] * grid[1]
