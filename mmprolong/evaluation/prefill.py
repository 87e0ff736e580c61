"""The work of answering a benchmark before it is done: tokens to read with and without shared prefixes. No torch."""

from collections.abc import Iterable
from dataclasses import dataclass

from mmprolong.evaluation.engines import Asked, Batch
from mmprolong.evaluation.serving import Limits, limits_of
from mmprolong.models.flops import Flops, forward, page_grids
from mmprolong.models.shapes import Shape
from mmprolong.records import Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill:
    """All prompts of one benchmark, for one engine."""

    samples: int
    documents: int
    refused: int
    """Samples whose prompts the model cannot take."""
    apart: int
    """Tokens of all prompts."""
    shared: int
    """Tokens that are computed where prompts share prefixes."""
    images: int
    """Images that are encoded."""
    replies: int
    """Tokens of all replies, if each is as long as it may be."""
    limits: Limits
    flops_apart: Flops
    flops_shared: Flops


def prefill_of(batches: Iterable[Batch | Reject], new_tokens: int, shape: Shape | None) -> Prefill:
    """Sum up the batches of a benchmark.

    Args:
        new_tokens: longest reply [tokens].
        shape: of the model; none: it computes elsewhere, and operations are 0.
    """
    found = list(batches)
    asked_batches = [batch for batch in found if not isinstance(batch, Reject)]
    asked = [each for batch in asked_batches for each in batch.asked]
    return Prefill(
        samples=len(asked),
        documents=len({each.sample.cluster for each in asked}),
        refused=len(found) - len(asked_batches),
        apart=sum(each.tokens for each in asked),
        shared=sum(each.tokens - each.cached for each in asked),
        images=sum(each.new_images for each in asked),
        replies=len(asked) * new_tokens,
        limits=limits_of(asked_batches, new_tokens),
        flops_apart=sum((_alone(shape, each) for each in asked), Flops()) if shape else Flops(),
        flops_shared=sum((_behind(shape, each) for each in asked), Flops()) if shape else Flops(),
    )


def _alone(shape: Shape, asked: Asked) -> Flops:
    return forward(shape, asked.tokens, 1, page_grids(shape, asked.image_tokens, asked.images))


def _behind(shape: Shape, asked: Asked) -> Flops:
    """Return the operations of reading a prompt behind what is cached of it."""
    whole = forward(shape, asked.tokens, 1, page_grids(shape, asked.new_image_tokens, asked.new_images))
    return whole + forward(shape, asked.cached, 0) * -1
