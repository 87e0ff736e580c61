"""Many processes: DeepSpeed shards weights, gradients and optimizer (ZeRO); our sequence parallelism shards packs.

The engine spans all processes and knows nothing of those that share a pack: each adds the gradient of its stretch, and
the sum over all of them is the gradient of the update. DeepSpeed's own `mpu`, `mesh_param` and `sequence_parallel_size`
are not used: with them the gradient is scaled otherwise at some stages, without a word.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmprolong.errors import ConfigError
from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.objectives import Objective
from mmprolong.training.parallelism import Heads, sequence_ranks

if TYPE_CHECKING:
    import torch

    from mmprolong.models.network import Batch, Network
    from mmprolong.training.layout import Layout

_OURS = (
    *("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "gradient_clipping"),
    *("optimizer", "scheduler", "bf16", "fp16", "amp", "data_types", "sequence_parallel_size", "data_parallel_size"),
    *("activation_checkpointing", "checkpoint"),
)
"""Settings of DeepSpeed that follow from those of the run."""
_SHARDS = ("stage", "offload_optimizer", "offload_param")
"""The same within `zero_optimization`."""


@dataclass(frozen=True, slots=True)
class DeepSpeed:
    """The choice."""

    version: ClassVar[int] = 1
    zero: Literal[1, 2, 3] = 2
    """States split over the processes: 1 optimizer; 2 also gradients; 3 also weights."""
    sequence: int = 1
    """Processes that share a pack (Ulysses); divides the attention heads."""
    offload: Literal["none", "optimizer", "weights"] = "none"
    """States held in the node's memory: the optimizer's; `weights`: also the weights (zero 3)."""
    recompute: bool = False
    """Compute activations again in the backward pass instead of keeping them."""
    offload_activations: bool = False
    """Keep the inputs of layers in the node's memory; needs `recompute`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """More settings of DeepSpeed, such as `zero_optimization.reduce_bucket_size`."""

    def join(self, world: World) -> "Layout":
        """Connect the processes."""
        self._check()
        prepare()
        from mmprolong.training.layout import join

        return join(world, self.sequence)

    def start(self, network: "Network", optimizer: Optimizer, layout: "Layout") -> "ZeroEngine":
        """Return the engine that shards a network over the processes."""
        refused = sequence_ranks(Heads(*network.heads), layout.size, self.sequence).refused
        if refused:
            raise ConfigError(f"training.engine.sequence: {self.sequence}; {refused}; see `mmprolong layouts`")
        if self.recompute:
            network.module.activation_checkpointing_enable(  # pyright: ignore[reportCallIssue]
                offload=self.offload_activations
            )
        return ZeroEngine(network, optimizer, self, layout)

    def config(self, settings: Optimizer, half: bool) -> dict[str, Any]:
        """Return DeepSpeed's configuration.

        Args:
            half: the weights are bfloat16.
        """
        zero: dict[str, Any] = {"stage": self.zero, **self.settings.get("zero_optimization", {})}
        if self.offload != "none":
            zero["offload_optimizer"] = {"device": "cpu"}
        if self.offload == "weights":
            zero["offload_param"] = {"device": "cpu"}
        found = {
            "train_micro_batch_size_per_gpu": 1,
            "gradient_accumulation_steps": 1,
            "gradient_clipping": settings.max_grad_norm,
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "steps_per_print": sys.maxsize,
            **self.settings,
            "zero_optimization": zero,
        }
        if half:
            found["bf16"] = {"enabled": True, "check_grad_overflow": True}
            found["data_types"] = {"grad_accum_dtype": "fp32"}
            found["communication_data_type"] = "fp32"
        return found

    def _check(self) -> None:
        given = [key for key in self.settings if key in _OURS]
        given += [f"zero_optimization.{key}" for key in self.settings.get("zero_optimization", {}) if key in _SHARDS]
        if given:
            raise ConfigError(f"training.engine.settings.{given[0]}: follows from the run's own settings; leave it out")
        if self.offload == "weights" and self.zero != 3:
            raise ConfigError(f"training.engine.offload: 'weights' with zero {self.zero}; only zero 3 shards them")
        if self.offload_activations and not self.recompute:
            raise ConfigError("training.engine.offload_activations: true without recompute; set recompute, too")


def prepare() -> None:
    """Import DeepSpeed without compiling anything: on CPUs it would build a kernel for a minute, and a killed build
    leaves a lock behind that every later run waits for.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import deepspeed
    except ImportError as error:
        raise ConfigError(f"training.engine: 'deepspeed', but {error}; pip install 'mmprolong[cluster]'") from error
    os.environ.setdefault("LOCAL_RANK", "0")  # it asks for what a launcher sets; one process has none
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.logger.setLevel("WARNING")


class ZeroEngine:
    """AdamW on float32 shards of the weights."""

    def __init__(self, network: "Network", settings: Optimizer, choice: DeepSpeed, layout: "Layout") -> None:
        import deepspeed
        import torch

        from mmprolong.training.weight_groups import freeze, weight_groups

        freeze(network, settings)
        network.join(layout.group)
        module = network.module.train()
        self.network, self.layout = network, layout
        self._weights = {name: each for name, each in module.named_parameters() if each.requires_grad}
        half = next(iter(self._weights.values())).dtype == torch.bfloat16
        buffers = {name: each.clone() for name, each in module.named_buffers()}
        groups = weight_groups(network, settings, self._weights)
        optimizer = _guarded_adamw(groups, (settings.beta1, settings.beta2), lambda: self._norm() <= self._limit)
        self._limit = math.inf
        self._engine, *_ = deepspeed.initialize(
            model=_loss_module(network), optimizer=optimizer, config=choice.config(settings, half)
        )
        for name, each in module.named_buffers():
            if each.dtype != buffers[name].dtype:  # bfloat16 would round the rotary frequencies
                each.data = buffers[name].to(each.device)
        self._zero: Any = self._engine.optimizer
        self._device: Any = self._engine.device
        self._moments = _begin(self._zero)

    def backward(self, objective: Objective, batch: "Batch", weight: float, last: bool) -> dict[str, float]:
        """Add the gradient of a batch's share of an update."""
        self._engine.set_gradient_accumulation_boundary(last)
        total, more = self._engine(objective, batch.to(self._device))
        loss = total / weight
        self._engine.backward(loss * self.layout.size, scale_wrt_gas=False)  # DeepSpeed divides by the processes
        return {"loss": float(loss.detach()), **{name: float(each.detach()) / weight for name, each in more.items()}}

    def step(self, rate: float, limit: float) -> float:
        """Move the weights, unless the gradient is too large or not finite, and forget the gradient."""
        for group in self._zero.param_groups:
            group["lr"] = rate * group["rate_share"]
        self._limit = limit
        self._engine.step()
        return math.inf if self._zero.overflow else self._norm()

    def _norm(self) -> float:
        return float(self._zero._global_grad_norm)

    def save(self, folder: Path, state: dict[str, Any], keep: int = 1) -> None:
        """Write a snapshot."""
        from mmprolong.training.snapshots import save

        save(folder, self._whole(), state, self.layout, keep)

    def _whole(self) -> Iterator[tuple[str, Any]]:
        import torch
        from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

        steps = torch.tensor(max(float(each["step"]) for each in self._moments))
        for name, weight in self._weights.items():
            yield f"weight/{name}", safe_get_full_fp32_param(weight)
            for moment in ("exp_avg", "exp_avg_sq"):
                yield f"{moment}/{name}", safe_get_full_optimizer_state(weight, moment)
            yield f"step/{name}", steps.clone()

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Load the newest whole snapshot."""
        import deepspeed
        import torch
        from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

        from mmprolong.training.snapshots import newest

        snapshot = newest(folder, self.layout)
        if snapshot is None:
            return None
        steps = 0.0
        for name, weight in self._weights.items():
            whole = snapshot.read(f"weight/{name}").to(self._device)
            safe_set_full_fp32_param(weight, whole)
            with deepspeed.zero.GatheredParameters([weight], modifier_rank=0), torch.no_grad():
                weight.copy_(whole)
            if f"step/{name}" in snapshot.names:
                steps = max(steps, float(snapshot.read(f"step/{name}")))
                for moment in ("exp_avg", "exp_avg_sq"):
                    value = snapshot.read(f"{moment}/{name}").to(self._device)
                    safe_set_full_optimizer_state(weight, value, moment)
        for each in self._moments:
            each["step"].fill_(steps)
        return snapshot.state

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        import deepspeed

        weights: dict[str, torch.Tensor] = {}
        for name, weight in self.network.module.named_parameters():
            with deepspeed.zero.GatheredParameters([weight]):
                if self.layout.rank == 0:
                    weights[name] = weight.detach().cpu().clone()
        if self.layout.rank == 0:
            self.network.export(folder, weights)
        self.layout.wait()


def _begin(zero: Any) -> list[dict[str, Any]]:
    """Create AdamW's state of each shard, as its first step would, so that it can be read and set; return it."""
    import torch

    shards = zero.fp32_partitioned_groups_flat if hasattr(zero, "fp32_partitioned_groups_flat") else None
    states = []
    for shard in shards or zero.single_partition_of_fp32_groups:
        moments = {moment: torch.zeros_like(shard) for moment in ("exp_avg", "exp_avg_sq")}
        zero.optimizer.state[shard] = {"step": torch.tensor(0.0), **moments}
        states.append(zero.optimizer.state[shard])
    if not shards:
        zero._lazy_init_hp_params_optimizer_state()
    return states


def _guarded_adamw(groups: Any, betas: tuple[float, float], allowed: Callable[[], bool]) -> "torch.optim.Optimizer":
    """Return an AdamW that does nothing where the gradient of the update is not allowed."""
    import torch

    class Guarded(torch.optim.AdamW):
        def step(self, closure: Any = None) -> None:
            if allowed():
                super().step(closure)

    return Guarded(groups, betas=betas)


def _loss_module(network: "Network") -> "torch.nn.Module":
    """Return the module that DeepSpeed wraps: it computes an objective."""
    from torch import nn

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.module

        def forward(self, objective: Objective, batch: "Batch"):
            return objective.loss(network, batch)

    return Loss()
