"""Memory of one rank by part, and disk of its checkpoints: from a model, how it is spread, and a pack. No torch.

Bytes follow what the engines hold. `single`: weights, float32 copies of weights of half precision and of their
gradients, two moments. `deepspeed`: weights in bfloat16; gradients summed in float32, float32 copies and moments, split
by ZeRO.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mmprolong.models.flops import Grid
from mmprolong.models.shapes import Shape
from mmprolong.training.parallelism import Parallelism, sequence_ranks

GIB = 2**30
_HALF, _FULL = 2, 4
"""Bytes of a number."""
_MOMENTS = 2
_BUCKET = 500_000_000
"""Gradients under way between ranks: DeepSpeed's default, in bfloat16 and in float32."""
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
    shape: Shape, parallel: Parallelism, pack: Seen, frozen: Iterable[str] = (), full: bool = False
) -> dict[str, float]:
    """Return the peak of one device by part [bytes].

    Args:
        frozen: parts that are not trained.
        full: weights are float32, and need no copies.
    """
    states = {part: here for part, (here, _) in _states(shape, parallel, frozen, full).items()}
    number = _FULL if full else _HALF
    held = activations(shape, parallel, pack, number)
    allocated = sum(states.values()) + sum(held.values())
    return {**states, **held, "reserve": _CONTEXT + _FRAGMENTS * allocated}


def host_memory(shape: Shape, parallel: Parallelism, pack: Seen, frozen: Iterable[str] = ()) -> float:
    """Return what a rank keeps in its node's memory beside the process itself [bytes]."""
    offloaded = sum(away for _, away in _states(shape, parallel, frozen, False).values())
    return offloaded + (input_bytes(shape, parallel, pack) if parallel.inputs_offloaded else 0)


def input_bytes(shape: Shape, parallel: Parallelism, pack: Seen) -> float:
    """Return the inputs of a rank's layers and blocks, which are kept until the backward pass [bytes]."""
    return sum(_inputs(shape, parallel, pack, _HALF))


def vision_share(parallel: Parallelism, pack: Seen) -> float:
    """Return the share of a pack's patches of the rank with the most; 1 / ranks where pages are split evenly."""
    return _own_patches(parallel, pack) / sum(map(_area, pack.images)) if pack.images else 1 / parallel.sequence


def checkpoint_size(shape: Shape, frozen: Iterable[str] = ()) -> float:
    """Return the size of a checkpoint: float32 weights and two moments of what is trained [bytes]."""
    return shape.trained(tuple(frozen)) * (1 + _MOMENTS) * _FULL


def checkpoint_disk(
    shape: Shape, frozen: Iterable[str] = (), kept: int = 1, full: bool = False, limit: float = math.inf
) -> float:
    """Return the peak of a training step on the disk: checkpoints kept, one being written, and the model [bytes].

    Args:
        limit: size of the checkpoints; two must fit, one of which replaces the other [bytes].
    """
    checkpoint = checkpoint_size(shape, frozen)
    checkpoints = min((kept + 1) * checkpoint, max(2 * checkpoint, limit))
    return checkpoints + shape.total * (_FULL if full else _HALF)


def _states(shape: Shape, parallel: Parallelism, frozen: Iterable[str], full: bool) -> dict[str, tuple[float, float]]:
    """Return weights, gradients and optimizer on the device and off it [bytes]."""
    total, trained, ranks = shape.total, shape.trained(tuple(frozen)), parallel.ranks
    if not parallel.zero:
        copies = 0 if full else _FULL
        gradients = trained * (_FULL if full else _HALF + _FULL)
        optimizer = trained * (copies + _MOMENTS * _FULL)
        return {
            "weights": (total * (_FULL if full else _HALF), 0),
            "gradients": (gradients, 0),
            "optimizer": (optimizer, 0),
        }
    weights = total * _HALF / (ranks if parallel.zero == 3 else 1)
    gathered = 0
    if parallel.zero == 3:
        text = shape.text
        gathered = _GATHERED * _HALF * max(text.parameters / text.layers, text.vocabulary * text.hidden)
    away = parallel.offload != "none"
    bucket = min(_BUCKET, trained) * (_HALF + _FULL)
    gradients = trained * _FULL / (ranks if parallel.zero >= 2 else 1)
    optimizer = trained * (1 + _MOMENTS) * _FULL / ranks
    kept = parallel.offload == "weights"
    return {
        "weights": (gathered + (0 if kept else weights), weights if kept else 0),
        "gradients": (
            bucket + (0 if away and parallel.zero >= 2 else gradients),
            trained * _FULL / ranks if away else 0,
        ),
        "optimizer": (0, optimizer) if away else (optimizer, 0),
    }


def activations(
    shape: Shape, parallel: Parallelism, pack: Seen, number: int = _HALF, logits: int = LOGITS
) -> dict[str, float]:
    """Return activations by part [bytes]: what waits for the backward pass, and the largest that is at work.

    Args:
        number: bytes of an activation.
        logits: supervised tokens whose logits are in memory together.
    """
    text, vision = shape.text, shape.vision
    tokens, patches = _own_tokens(parallel, pack), _own_patches(parallel, pack)
    layer, block = tokens * saved_of_layer(shape, parallel.sequence, number), patches * saved_of_block(shape, number)
    language, seen = _inputs(shape, parallel, pack, number)
    if parallel.inputs_offloaded:
        language *= min(1, _KEPT_OFFLOADED / text.layers)
        seen *= min(1, _KEPT_OFFLOADED / vision.depth) if vision else 0
    elif not parallel.recompute:
        language, seen = layer * text.layers, block * vision.depth if vision else 0
    # embeddings before and after the merge, last states; features that all ranks of a sequence gather; pixels
    ends = 4 * number * tokens * text.hidden
    if vision:
        merged = sum(map(_area, pack.images)) / vision.merge**2
        seen += 2 * number * merged * text.hidden * (1 + vision.levels) + (1 + number) * patches * vision.pixels
    # gradients under way in the feed-forward part of a layer, beside what it keeps
    layer += number * tokens * 2 * (text.ffn + text.hidden)
    block += number * patches * 2 * (vision.ffn + vision.hidden) if vision else 0
    heads = min(pack.supervised, logits) * text.vocabulary * (2 * number + 2 * _FULL)
    at_work = max(layer, heads, block - language)  # the tower's turn comes when the layers' inputs are gone
    return {"kept, language": language + ends, "kept, vision": seen, "at work": at_work}


def saved_of_layer(shape: Shape, sequence: int = 1, number: int = _HALF) -> float:
    """Return what a layer of the language model keeps of a token for its backward pass [bytes].

    Args:
        sequence: ranks that share a sequence; heads of keys and values that several need are held by each.
    """
    text = shape.text
    shared = sequence_ranks(text, sequence, sequence)
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


def _inputs(shape: Shape, parallel: Parallelism, pack: Seen, number: int) -> tuple[float, float]:
    """Return the inputs of all layers of the language model and of all blocks of the tower [bytes]."""
    text, vision = shape.text, shape.vision
    language = number * _own_tokens(parallel, pack) * text.hidden * text.layers
    seen = number * _own_patches(parallel, pack) * vision.hidden * vision.depth if vision else 0
    return language, seen


def _own_tokens(parallel: Parallelism, pack: Seen) -> int:
    return -(-pack.tokens // parallel.sequence)


def _own_patches(parallel: Parallelism, pack: Seen) -> int:
    """Return the patches of the rank with the most: whole images are split over the ranks of a sequence."""
    ranks = [0] * parallel.sequence
    for image in sorted(map(_area, pack.images), reverse=True):
        ranks[ranks.index(min(ranks))] += image
    return max(ranks)


def _area(grid: Grid) -> int:
    return grid[0] * grid[1]
