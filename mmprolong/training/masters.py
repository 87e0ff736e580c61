"""Float32 copies of weights of half precision: an update of 1e-5 would be lost in the rounding of a bfloat16 weight, as
would the gradient of one pack in the sum over many.
"""

import torch
from torch import nn


class Masters:
    """The weights that the optimizer moves: the parameters themselves if they are float32, else float32 copies.

    Attributes:
        weights: by name, those of the parameters that are trained.
    """

    def __init__(self, module: nn.Module) -> None:
        trained = {name: each for name, each in module.named_parameters() if each.requires_grad}
        self.weights: dict[str, torch.Tensor] = {
            name: each if each.dtype == torch.float32 else each.detach().float() for name, each in trained.items()
        }
        self._copied = [(trained[name], copy) for name, copy in self.weights.items() if copy is not trained[name]]

    def add_gradients(self) -> None:
        """Add the gradients of the parameters to those of the copies."""
        for parameter, copy in self._copied:
            if parameter.grad is not None:
                gradient = parameter.grad.float()
                copy.grad = gradient if copy.grad is None else copy.grad.add_(gradient)
                parameter.grad = None

    @torch.no_grad()
    def round_parameters(self) -> None:
        """Round the copies into the parameters."""
        for parameter, copy in self._copied:
            parameter.copy_(copy)
