"""Floating-point operations of training on a conversation: exact for matrix products, attention as its kernel does it.

A product of (m, k) and (k, n) is 2 m k n operations. Norms, rotations and activations are left out: less than 1 %.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

from mmprolong.models.shapes import Shape, VisionSizes
from mmprolong.records import Pack

Grid = tuple[int, int]
"""Rows and columns of patches of an image."""
KERNEL = 2.5
"""Operations of the backward pass of attention, in forward passes: five products of the size of the forward's two."""
_PORTRAIT = 297 / 210
"""Height of a page in widths, where only its tokens are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """Operations by part."""

    patches: float = 0.0
    """Patch embedding."""
    vision: float = 0.0
    """Products of the blocks of the vision tower."""
    vision_attention: float = 0.0
    projector: float = 0.0
    language: float = 0.0
    """Products of the layers of the language model."""
    attention: float = 0.0
    """Causal attention of the language model, conversation by conversation."""
    head: float = 0.0
    """Logits, at supervised positions only."""

    def __add__(self, other: "Flops") -> "Flops":
        return Flops(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Flops)})

    def __mul__(self, factor: float) -> "Flops":
        return Flops(**{each.name: getattr(self, each.name) * factor for each in fields(Flops)})

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return sum(getattr(self, each.name) for each in fields(Flops))

    @property
    def kernels(self) -> float:
        """Those of attention, which reach less of a GPU's peak than products do."""
        return self.attention + self.vision_attention


def forward(shape: Shape, tokens: int, supervised: int, images: Sequence[Grid] = ()) -> Flops:
    """Return the operations of one forward pass over a conversation.

    Args:
        tokens: of images, too.
        supervised: tokens that carry loss.
        images: rows and columns of patches of each.
    """
    text = shape.text
    seen = Flops()
    for grid, count in Counter(images).items() if shape.vision else ():
        seen += _image(shape.vision, *grid) * count
    return seen + Flops(
        language=2 * tokens * text.layers * text.products,
        attention=4 * text.query * text.layers * tokens * (tokens + 1) / 2,
        head=2 * supervised * text.hidden * text.vocabulary,
    )


def trained(once: Flops, frozen: Iterable[str] = (), recompute: bool = False) -> Flops:
    """Return the operations that a GPU does in training on what takes `once` in the forward pass.

    Args:
        frozen: parts that are not trained; gradients stop below the last part that is.
        recompute: the forward pass of all layers is done again in the backward pass, as are logits.
    """
    vision, projector, language = (part not in frozen for part in ("vision", "projector", "language"))
    sees, reads = (
        vision,
        vision or projector or language,
    )  # a gradient flows through the tower, through the language model
    again = float(recompute)

    def of(weights: bool, inputs: bool, extra: float = again) -> float:
        return 1 + weights + inputs + (extra if weights or inputs else 0)

    return Flops(
        patches=once.patches * of(vision, False, 0),
        vision=once.vision * of(vision, sees),
        vision_attention=once.vision_attention * (1 + (KERNEL + again) * sees),
        projector=once.projector * of(projector, sees or projector, 0),
        language=once.language * of(language, reads),
        attention=once.attention * (1 + (KERNEL + again) * reads),
        head=once.head * of(language, reads),
    )


def model_flops(once: Flops) -> float:
    """Return the operations that a model's utilisation (MFU) counts: three forward passes, whatever is done."""
    return 3 * once.total


def packed_model_flops(shape: Shape, pack: Pack, images: Mapping[str, int]) -> float:
    """Return the operations of training on a pack that a model's utilisation counts.

    Args:
        images: number of images of each example; they are taken to be pages of one size that fill all but the
            supervised tokens.
    """
    total = 0.0
    for name, tokens, learned in zip(pack.examples, pack.lengths, pack.supervised, strict=True):
        total += model_flops(forward(shape, tokens, learned, page_grids(shape, tokens - learned, images[name])))
    return total


def page_grids(shape: Shape, tokens: int, images: int) -> list[Grid]:
    """Return the grids of `images` equal pages of A4 that fill about `tokens`."""
    if not images or not shape.vision:
        return []
    rows = max(1, round(math.sqrt(tokens / images * _PORTRAIT)))
    columns = max(1, round(tokens / images / rows))
    return [(rows * shape.vision.merge, columns * shape.vision.merge)] * images


@cache
def _image(vision: VisionSizes, rows: int, columns: int) -> Flops:
    patches = rows * columns
    return Flops(
        patches=2 * patches * vision.pixels_of_frame * vision.hidden,
        vision=2 * patches * vision.depth * vision.products,
        vision_attention=4 * vision.hidden * _pairs(vision, rows, columns),
        projector=2 * patches / vision.merge**2 * (1 + vision.levels) * vision.merger_products,
    )


def _pairs(vision: VisionSizes, rows: int, columns: int) -> int:
    """Return how many pairs of patches attend to each other, summed over the blocks."""
    whole = (rows * columns) ** 2
    if not vision.window:
        return vision.depth * whole
    side = vision.window // vision.patch
    windows = sum(high**2 for high in _cuts(rows, side)) * sum(wide**2 for wide in _cuts(columns, side))
    return vision.full * whole + (vision.depth - vision.full) * windows


def _cuts(length: int, side: int) -> list[int]:
    """Return the sides of the windows along a side of an image; the last may be smaller."""
    return [min(side, length - begin) for begin in range(0, length, side)]
