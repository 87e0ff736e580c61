"""One file an engine: a frozen dataclass that satisfies `EngineChoice`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.objectives import Objective

if TYPE_CHECKING:
    from mmprolong.models.network import Batch, Network
    from mmprolong.training.layout import Layout


class TrainingEngine(Protocol):
    """Holds a network and its optimizer; knows devices, precisions and processes, so that the loop need not.

    Every process calls every method, in the same order.
    """

    def backward(self, objective: Objective, batch: "Batch", weight: float, last: bool) -> dict[str, float]:
        """Add the gradient of a batch's share of an update.

        Args:
            weight: of the whole update.
            last: it is the last batch of the update.

        Returns:
            The share of `loss` and of whatever else the objective logs; those of all batches and processes add up to
            the means of the update.
        """
        ...

    def step(self, rate: float, limit: float) -> float:
        """Move the weights, unless the gradient is too large or not finite, and forget the gradient.

        Args:
            rate: learning rate.
            limit: largest norm of the gradient, before it is clipped.

        Returns:
            The norm of the gradient before clipping.
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

    def join(self, world: World) -> "Layout":
        """Connect the processes of the step, before the network is loaded.

        Raises:
            ConfigError: the engine cannot use so many.
        """
        ...

    def start(self, network: "Network", optimizer: Optimizer, layout: "Layout") -> TrainingEngine:
        """Return the engine that trains a network."""
        ...
