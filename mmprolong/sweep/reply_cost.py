"""Time and money of answering a benchmark, before it is done."""

from dataclasses import dataclass

from mmprolong.evaluation.prefill import Prefill
from mmprolong.models.flops import Flops
from mmprolong.models.shapes import Shape
from mmprolong.settings.execution import Cluster, Job
from mmprolong.settings.hardware import Hardware
from mmprolong.settings.llm import Prices

_TERA, _GIGA, _MILLION = 1e12, 1e9, 1e6
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


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
