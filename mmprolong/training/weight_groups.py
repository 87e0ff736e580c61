"""The weights that an optimizer moves, grouped by learning rate and weight decay."""

from collections.abc import Mapping
from typing import Any

import torch

from mmprolong.models.network import Network
from mmprolong.settings.knobs import Optimizer


def freeze(network: Network, settings: Optimizer) -> None:
    """Take the parts that are not trained out of training."""
    for part, parameters in network.parts().items():
        for parameter in parameters:
            parameter.requires_grad_(part not in settings.frozen)


def weight_groups(network: Network, settings: Optimizer, weights: Mapping[str, torch.Tensor]) -> list[dict[str, Any]]:
    """Return groups for AdamW: weight decay on matrices only; `rate_share` times the learning rate is a group's own.

    An update without pages has no gradient for a group that `sees`, and leaves it as it is, its moments too.

    Args:
        weights: that are moved, by the name of their parameter.
    """
    part_of: dict[int, Any] = {id(each): part for part, parameters in network.parts().items() for each in parameters}
    groups: dict[tuple[float, float, bool], list[torch.Tensor]] = {}
    for name, parameter in network.module.named_parameters():
        if name in weights:
            decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
            part = part_of[id(parameter)]
            share = settings.rate_shares.get(part, 1.0)
            groups.setdefault((share, decay, part != "language"), []).append(weights[name])
    return [
        {"params": group, "lr": 0.0, "weight_decay": decay, "rate_share": share, "sees": sees}
        for (share, decay, sees), group in sorted(groups.items(), key=lambda each: each[0], reverse=True)
    ]
