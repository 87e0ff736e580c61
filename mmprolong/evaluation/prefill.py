"""The work of answering a benchmark before it is done: tokens, time and money, prefixes shared or not. No torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmprolong.evaluation.engines import Asked, ReplyBatch
from mmprolong.evaluation.reply import planned
from mmprolong.evaluation.serving import PromptLimits, limits_of
from mmprolong.models.flops import Flops, forward, page_grids
from mmprolong.models.shapes import Shape, shape_of
from mmprolong.records import Reject
from mmprolong.settings.execution import Cluster, Hardware, Job
from mmprolong.settings.llm import Prices
from mmprolong.settings.stages import ReplySettings

_TERA, _GIGA, _MILLION = 1e12, 1e9, 1e6
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


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
    limits: PromptLimits
    flops_apart: Flops
    flops_shared: Flops


def prefill_of(batches: Iterable[ReplyBatch | Reject], new_tokens: int, shape: Shape | None) -> Prefill:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCost:
    """With shared prefixes and without; time is that of one device, and 0 where a server computes."""

    prefill: float
    """[s]"""
    prefill_apart: float
    replies: float
    """At most, one reply at a time [s]."""
    money: float
    """At most; 0 where no price is known."""
    money_apart: float


def cost_here(prefill: Prefill, shape: Shape, dtype: str, cluster: Cluster, job: Job) -> ReplyCost:
    """Return the cost on the devices of a cluster: products and attention at the rates that they sustain."""
    hardware = cluster.hardware
    shared, apart = (_seconds(each, hardware) for each in (prefill.flops_shared, prefill.flops_apart))
    # every token of a reply reads all weights
    replies = prefill.replies * shape.total * _BYTES[dtype] / (hardware.bandwidth * _GIGA)
    hourly = job.gpus * cluster.gpu_price if job.gpus else job.cpus * cluster.cpu_price
    hours = ((each + replies) / 3600 for each in (shared, apart))
    money, money_apart = (each * hourly for each in hours)
    return ReplyCost(prefill=shared, prefill_apart=apart, replies=replies, money=money, money_apart=money_apart)


def cost_at_server(prefill: Prefill, prices: Prices) -> ReplyCost:
    """Return the cost at a server's prices."""
    cached = prices.prompt if prices.cached is None else prices.cached
    replies = prefill.replies * prices.completion
    shared = prefill.shared * prices.prompt + (prefill.apart - prefill.shared) * cached
    return ReplyCost(
        prefill=0.0,
        prefill_apart=0.0,
        replies=0.0,
        money=(shared + replies) / _MILLION,
        money_apart=(prefill.apart * prices.prompt + replies) / _MILLION,
    )


def _seconds(flops: Flops, hardware: Hardware) -> float:
    attention = flops.attention + flops.vision_attention
    products, peak = flops.total - attention, hardware.peak * _TERA
    return products / (peak * hardware.products) + attention / (peak * hardware.attention)


def plan_replies(
    settings: ReplySettings, inputs: Mapping[str, Path], cluster: Cluster, job: Job
) -> tuple[Prefill, ReplyCost]:
    """Return what a reply step will read, and its cost."""
    batches = planned(settings, inputs)
    if settings.endpoint:
        prefill = prefill_of(batches, settings.new_tokens, None)
        return prefill, cost_at_server(prefill, settings.endpoint.prices)
    shape = shape_of(settings.model)
    prefill = prefill_of(batches, settings.new_tokens, shape)
    return prefill, cost_here(prefill, shape, settings.model.dtype, cluster, job)


REPLY_COLUMNS = (
    *("questions", "documents", "longest", "prompt tokens", "prefilled", "shared"),
    *("prefill [s]", "without sharing", "replies at most [s]", "price at most", "without sharing "),
)


def reply_row(prefill: Prefill, cost: ReplyCost) -> tuple[object, ...]:
    """Return the cells below `REPLY_COLUMNS`; nothing where a server computes or no price is known."""
    share = 1 - prefill.shared / max(prefill.apart, 1)
    counts = (prefill.samples, prefill.documents, prefill.limits.context, prefill.apart, prefill.shared)
    times = (f"{each:,.1f}" if each else "" for each in (cost.prefill, cost.prefill_apart, cost.replies))
    prices = (f"{each:,.2f}" if each else "" for each in (cost.money, cost.money_apart))
    return *counts, f"{share:.1%}", *times, *prices
