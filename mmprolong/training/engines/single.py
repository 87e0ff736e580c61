"""One process, one device."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmprolong.settings.knobs import Optimizer
from mmprolong.training.objectives import Objective

if TYPE_CHECKING:
    import torch

    from mmprolong.models.network import Batch, Network


@dataclass(frozen=True, slots=True)
class Single:
    """The choice; it has no options."""

    version: ClassVar[int] = 1

    def start(self, network: "Network", optimizer: Optimizer) -> "SingleDevice":
        """Return the engine that trains a network where it lies."""
        return SingleDevice(network, optimizer)


class SingleDevice:
    """AdamW on the device of the network, with float32 copies of weights of half precision."""

    def __init__(self, network: "Network", settings: Optimizer) -> None:
        from mmprolong.training.masters import Masters

        parts = network.parts()
        for part in settings.frozen:
            for parameter in parts[part]:
                parameter.requires_grad_(False)
        self.network = network
        self.masters = Masters(network.module.train())
        self.optimizer = adamw(self.masters.weights.values(), settings)
        self._device = next(network.module.parameters()).device

    def backward(self, objective: Objective, batch: "Batch", weight: float) -> dict[str, float]:
        """Add the gradient of a batch's share of an update."""
        total, more = objective.loss(self.network, batch.to(self._device))
        loss = total / weight
        loss.backward()
        self.masters.add_gradients()
        return {"loss": float(loss.detach()), **{name: float(each.detach()) / weight for name, each in more.items()}}

    def step(self, rate: float, clip: float) -> float:
        """Move the weights, unless the gradient is not finite, and forget the gradient."""
        from torch.nn.utils import clip_grad_norm_

        norm = float(clip_grad_norm_(self.masters.weights.values(), clip, foreach=True))
        if math.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            self.masters.round_parameters()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def save(self, folder: Path, state: dict[str, Any]) -> None:
        """Write a snapshot."""
        from mmprolong.training import checkpoints

        checkpoints.save(folder, self.masters.weights, self.optimizer, state)

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Load the newest whole snapshot."""
        from mmprolong.training import checkpoints

        state = checkpoints.restore(folder, self.masters.weights, self.optimizer)
        self.masters.round_parameters()
        return state

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        self.network.export(folder)


def adamw(weights: Iterable["torch.Tensor"], settings: Optimizer) -> "torch.optim.Optimizer":
    """Return AdamW; weight decay on matrices only."""
    from torch.optim import AdamW

    trained = list(weights)
    groups = [
        {"params": [each for each in trained if each.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [each for each in trained if each.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=settings.peak_lr, betas=(settings.beta1, settings.beta2), fused=True)
