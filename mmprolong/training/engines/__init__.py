"""One file an engine: a frozen dataclass that satisfies `EngineChoice`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mmprolong.settings.knobs import Optimizer
from mmprolong.training.objectives import Objective

if TYPE_CHECKING:
    from mmprolong.models.network import Batch, Network


class TrainingEngine(Protocol):
    """Holds a network and its optimizer; knows devices, precisions and ranks, so that the loop need not."""

    def backward(self, objective: Objective, batch: "Batch", weight: float) -> dict[str, float]:
        """Add the gradient of a batch's share of an update.

        Args:
            weight: of the whole update.

        Returns:
            The share of `loss` and of whatever else the objective logs; the shares of an update add up to its means.
        """
        ...

    def step(self, rate: float, clip: float) -> float:
        """Move the weights, unless the gradient is not finite, and forget the gradient.

        Args:
            rate: learning rate.
            clip: largest norm of the gradient.

        Returns:
            The norm before clipping.
        """
        ...

    def save(self, folder: Path, state: dict[str, Any]) -> None:
        """Write a snapshot into a folder of snapshots; `state["updates"]` names it."""
        ...

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Load the newest whole snapshot; return its state, or None if there is none."""
        ...

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        ...


class EngineChoice(Protocol):
    """A plug-in of `mmprolong.training.engines`."""

    def start(self, network: "Network", optimizer: Optimizer) -> TrainingEngine:
        """Return the engine that trains a network."""
        ...
