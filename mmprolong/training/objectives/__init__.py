"""One file an objective: a frozen dataclass that satisfies `Objective`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Protocol

from mmprolong.records import Measured

if TYPE_CHECKING:
    from torch import Tensor

    from mmprolong.models.network import Batch, Network


class Objective(Protocol):
    """A loss that training minimises. Planning imports the file, so torch is imported inside `loss` alone."""

    reads: ClassVar[tuple[str, ...]]
    """Conversations of an example that share an update."""

    def weight(self, conversations: Iterable[Measured]) -> float:
        """Return the denominator of an update's summed losses, known before any of them is computed."""
        ...

    def loss(self, network: "Network", batch: "Batch") -> tuple["Tensor", dict[str, "Tensor"]]:
        """Return the summed loss of a batch, and more sums to log by name."""
        ...
