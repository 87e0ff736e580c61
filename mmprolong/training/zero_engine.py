"""The engine behind `deepspeed`: weights, gradients and optimizer sharded over all processes."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deepspeed
import torch
from deepspeed.utils import (
    safe_get_full_fp32_param,
    safe_get_full_optimizer_state,
    safe_set_full_fp32_param,
    safe_set_full_optimizer_state,
)
from torch import nn

from mmprolong.models.network import Batch, Network
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.layout import Layout
from mmprolong.training.objectives import Objective
from mmprolong.training.snapshots import newest, save
from mmprolong.training.weight_groups import freeze, weight_groups


class ZeroEngine:
    """AdamW on float32 shards of the weights.

    Args:
        config: of DeepSpeed, for weights in bfloat16 or not.
    """

    def __init__(
        self, network: Network, settings: Optimizer, config: Callable[[bool], dict[str, Any]], layout: Layout
    ) -> None:
        freeze(network, settings)
        network.join(layout.group)
        module = network.module.train()
        self.network, self.layout = network, layout
        self._weights = {name: each for name, each in module.named_parameters() if each.requires_grad}
        half = next(iter(self._weights.values())).dtype == torch.bfloat16
        buffers = {name: each.clone() for name, each in module.named_buffers()}
        groups = weight_groups(network, settings, self._weights)
        number = {id(each): at for at, group in enumerate(groups) for each in group["params"]}
        self._group = {name: number[id(each)] for name, each in self._weights.items()}
        optimizer = _guarded_adamw(groups, (settings.beta1, settings.beta2), self._moves)
        self._limit, self._seen = math.inf, False
        self._engine, *_ = deepspeed.initialize(model=_loss_module(network), optimizer=optimizer, config=config(half))
        for name, each in module.named_buffers():
            if each.dtype != buffers[name].dtype:  # bfloat16 would round the rotary frequencies
                each.data = buffers[name].to(each.device)
        self._zero: Any = self._engine.optimizer
        self._device: Any = self._engine.device
        self._moments = _begin(self._zero)

    def backward(self, objective: Objective, batch: Batch, weight: float, last: bool) -> dict[str, float]:
        """Add the gradient of a batch's share of an update."""
        self._engine.set_gradient_accumulation_boundary(last)
        self._seen |= batch.pixels is not None
        total, more = self._engine(objective, batch.to(self._device))
        loss = total / weight
        self._engine.backward(loss * self.layout.size, scale_wrt_gas=False)  # DeepSpeed divides by the processes
        return {"loss": float(loss.detach()), **{name: float(each.detach()) / weight for name, each in more.items()}}

    def step(self, rate: float, limit: float) -> float:
        """Move the weights, unless the gradient is too large or not finite, and forget the gradient."""
        for group in self._zero.param_groups:
            group["lr"] = rate * group["rate_share"]
        self._limit, self._seen = limit, self.layout.any(self._seen)
        self._engine.step()
        self._seen = False
        return math.inf if self._zero.overflow else self._norm()

    def _moves(self, group: dict[str, Any]) -> bool:
        """Tell whether this update moves a group of weights."""
        return self._norm() <= self._limit and (self._seen or not group["sees"])

    def _norm(self) -> float:
        return float(self._zero._global_grad_norm)

    def save(self, folder: Path, state: dict[str, Any]) -> None:
        """Write a snapshot."""
        save(folder, self._whole(), state, self.layout)

    def _whole(self) -> Iterator[tuple[str, Any]]:
        steps = {group: state["step"].cpu() for group, state in self._moments}
        for name, weight in self._weights.items():
            yield f"weight/{name}", safe_get_full_fp32_param(weight)
            for moment in ("exp_avg", "exp_avg_sq"):
                yield f"{moment}/{name}", safe_get_full_optimizer_state(weight, moment)
            yield f"step/{name}", steps[self._group[name]].clone()

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Load the newest whole snapshot."""
        snapshot = newest(folder, self.layout)
        if snapshot is None:
            return None
        steps: dict[int, torch.Tensor] = {}
        for name, weight in self._weights.items():
            whole = snapshot.read(f"weight/{name}").to(self._device)
            safe_set_full_fp32_param(weight, whole)
            with deepspeed.zero.GatheredParameters([weight], modifier_rank=0), torch.no_grad():
                weight.copy_(whole)
            if f"step/{name}" in snapshot.names:
                steps[self._group[name]] = snapshot.read(f"step/{name}")
                for moment in ("exp_avg", "exp_avg_sq"):
                    value = snapshot.read(f"{moment}/{name}").to(self._device)
                    safe_set_full_optimizer_state(weight, value, moment)
        for group, state in self._moments:
            if group in steps:
                state["step"].copy_(steps[group])
        return snapshot.state

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        weights: dict[str, torch.Tensor] = {}
        for name, weight in self.network.module.named_parameters():
            with deepspeed.zero.GatheredParameters([weight]):
                if self.layout.rank == 0:
                    weights[name] = weight.detach().cpu().clone()
        if self.layout.rank == 0:
            self.network.export(folder, weights)
        self.layout.wait()


def _begin(zero: Any) -> list[tuple[int, dict[str, Any]]]:
    """Create AdamW's state of each shard, as its first step would, so that it can be read and set.

    Returns:
        The states, each behind the number of its group.
    """
    shards = zero.fp32_partitioned_groups_flat if hasattr(zero, "fp32_partitioned_groups_flat") else None
    states = []
    for number, shard in enumerate(shards or zero.single_partition_of_fp32_groups):
        moments = {moment: torch.zeros_like(shard) for moment in ("exp_avg", "exp_avg_sq")}
        zero.optimizer.state[shard] = {"step": torch.tensor(0.0), **moments}
        states.append((zero.sub_group_to_group_id[number] if shards else number, zero.optimizer.state[shard]))
    if not shards:
        zero._lazy_init_hp_params_optimizer_state()
    return states


def _guarded_adamw(
    groups: Any, betas: tuple[float, float], moves: Callable[[dict[str, Any]], bool]
) -> torch.optim.Optimizer:
    """Return an AdamW that leaves groups which the update does not move as they are."""

    class Guarded(torch.optim.AdamW):
        def step(self, closure: Any = None) -> None:
            whole = self.param_groups  # of DeepSpeed; it steps shard by shard
            self.param_groups = [group for group in whole if moves(group)]
            super().step()
            self.param_groups = whole

    return Guarded(groups, betas=betas)


def _loss_module(network: Network) -> nn.Module:
    """Return the module that DeepSpeed wraps: it computes an objective."""

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.module

        def forward(self, objective: Objective, batch: Batch):
            return objective.loss(network, batch)

    return Loss()
