"""One process, one device."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmprolong.errors import ConfigError
from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.objectives import Objective

if TYPE_CHECKING:
    from mmprolong.models.network import Batch, Network
    from mmprolong.training.layout import Layout


@dataclass(frozen=True, slots=True)
class Single:
    """The choice."""

    version: ClassVar[int] = 1
    recompute: bool = False
    """Compute activations again in the backward pass instead of keeping them."""

    def join(self, world: World) -> "Layout":
        """Refuse more than one process."""
        from mmprolong.training.layout import Layout

        if world.size > 1:
            raise ConfigError(
                f"training.engine: 'single' trains in one process, not in {world.size}; choose 'deepspeed'"
            )
        return Layout()

    def start(self, network: "Network", optimizer: Optimizer, layout: "Layout") -> "SingleDevice":
        """Return the engine that trains a network where it lies."""
        if self.recompute:
            network.module.activation_checkpointing_enable()  # pyright: ignore[reportCallIssue]
        return SingleDevice(network, optimizer)


class SingleDevice:
    """AdamW on the device of the network, with float32 copies of weights of half precision."""

    def __init__(self, network: "Network", settings: Optimizer) -> None:
        from torch.optim import AdamW

        from mmprolong.training.masters import Masters
        from mmprolong.training.weight_groups import freeze, weight_groups

        freeze(network, settings)
        self.network = network
        self.masters = Masters(network.module.train())
        self.optimizer = AdamW(
            weight_groups(network, settings, self.masters.weights), betas=(settings.beta1, settings.beta2), fused=True
        )
        self._clip = settings.max_grad_norm
        self._device = next(network.module.parameters()).device

    def backward(self, objective: Objective, batch: "Batch", weight: float, last: bool) -> dict[str, float]:
        """Add the gradient of a batch's share of an update."""
        total, more = objective.loss(self.network, batch.to(self._device))
        loss = total / weight
        if loss.requires_grad:  # not if the batch reaches frozen weights alone
            loss.backward()
        self.masters.add_gradients()
        return {"loss": float(loss.detach()), **{name: float(each.detach()) / weight for name, each in more.items()}}

    def step(self, rate: float, limit: float) -> float:
        """Move the weights, unless the gradient is too large or not finite, and forget the gradient."""
        from torch.nn.utils import clip_grad_norm_

        norm = float(clip_grad_norm_(self.masters.weights.values(), self._clip, foreach=True))
        if math.isfinite(norm) and norm <= limit:
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["rate_share"]
            self.optimizer.step()
            self.masters.round_parameters()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def save(self, folder: Path, state: dict[str, Any]) -> None:
        """Write a snapshot."""
        from mmprolong.training.snapshots import MOMENTS, save

        found = {f"weight/{name}": tensor for name, tensor in self.masters.weights.items()}
        for name, tensor in self.masters.weights.items():
            found |= {
                f"{moment}/{name}": self.optimizer.state[tensor][moment]
                for moment in MOMENTS
                if tensor in self.optimizer.state
            }
        save(folder, found.items(), state)

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Load the newest whole snapshot."""
        import torch

        from mmprolong.training.snapshots import MOMENTS, newest

        snapshot = newest(folder)
        if snapshot is None:
            return None
        with torch.no_grad():
            for name, tensor in self.masters.weights.items():
                tensor.copy_(snapshot.read(f"weight/{name}"))
                if f"step/{name}" in snapshot.names:
                    self.optimizer.state[tensor] = {
                        each: snapshot.read(f"{each}/{name}").to(tensor.device) for each in MOMENTS
                    }
        self.masters.round_parameters()
        return snapshot.state

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        self.network.export(folder)
