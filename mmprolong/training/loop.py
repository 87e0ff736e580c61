"""The loop of one phase on one device."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmprolong.errors import DataError
from mmprolong.models.qwen_vl.inputs import Inputs
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Optimizer
from mmprolong.training import checkpoints
from mmprolong.training.masters import Masters
from mmprolong.training.memory import peak_memory, reset_peak
from mmprolong.training.schedule import learning_rate
from mmprolong.training.seen import Seen
from mmprolong.training.stream import Stream

PARTS = {"vision": "model.visual.", "merger": "model.visual.merger.", "language": "model.language_model."}
Loss = Callable[[Any, Inputs], torch.Tensor]
"""An objective: the summed loss over the supervised tokens of a pack."""
_FAULTS = 3
"""Updates in a row whose gradient is not finite before the phase is given up."""


class Loop:
    """Trains `model` on `stream`; every update is logged, snapshots are taken by time.

    Args:
        window: native window of the model [tokens].
    """

    def __init__(
        self, model: Any, loss: Loss, stream: Stream, settings: Optimizer, window: int, folder: Path, log: RunLog
    ) -> None:
        freeze(model, settings.frozen)
        self.model = model.train()
        self.loss = loss
        self.stream = stream
        self.settings = settings
        self.folder = folder
        self.log = log
        self.masters = Masters(model)
        self.optimizer = _adamw(self.masters.weights.values(), settings)
        self.state = {"updates": 0, "tokens": 0, "skipped": 0}
        self._seen = Seen(window)
        self._faults = 0
        self._device = next(model.parameters()).device

    def run(self, checkpoint_seconds: float) -> dict[str, int]:
        """Go on from the newest snapshot to the end; returns updates, tokens and skipped updates.

        Raises:
            Interrupted: the step was asked to stop; there is a snapshot of the last update.
        """
        self._restore()
        reset_peak(self._device)
        saved = time.monotonic()
        for update in range(self.state["updates"], len(self.stream)):
            self.log.metrics(self.update(update), update + 1)
            self.log.progress(update + 1, len(self.stream), "updates")
            stop, last = self.log.stopping(), update + 1 == len(self.stream)
            if (stop or time.monotonic() - saved > checkpoint_seconds) and not last:
                checkpoints.save(self.folder, self.masters.weights, self.optimizer, self.state)
                saved = time.monotonic()
                if stop:
                    raise Interrupted
        return self.state

    def _restore(self) -> None:
        """Go back to the newest snapshot; what was seen before it is counted anew from the stream."""
        self.state = checkpoints.restore(self.folder, self.masters.weights, self.optimizer) or self.state
        self.masters.scatter()
        self.log.rewind(self.state["updates"])
        for update in range(self.state["updates"]):
            self._seen.add(self.stream.instances(update))

    def update(self, update: int) -> dict[str, float]:
        """One update: the mean loss over the supervised tokens of all its packs.

        Raises:
            DataError: three updates in a row had a gradient that is not finite.
        """
        began = time.perf_counter()
        loss, supervised = self._gradient(update)
        norm = float(nn.utils.clip_grad_norm_(self.masters.weights.values(), self.settings.clip, foreach=True))
        self.state["updates"] += 1
        self.state["tokens"] += self.stream.tokens_of(update)
        rate = learning_rate(self.settings, self.state["tokens"], self.stream.tokens)
        self._step(rate, norm)
        self._seen.add(self.stream.instances(update))
        return {
            "update": self.state["updates"],
            "tokens": self.state["tokens"],
            "supervised": supervised,
            "loss": loss,
            "lr": rate,
            "grad_norm": norm if math.isfinite(norm) else -1.0,
            "tokens_per_second": self.stream.tokens_of(update) / (time.perf_counter() - began),
            "memory_gb": peak_memory(self._device),
            **self._seen.shares(),
        }

    def _gradient(self, update: int) -> tuple[float, int]:
        supervised = self.stream.supervised_of(update)
        total = 0.0
        for pack in self.stream.packs(update):
            loss = self.loss(self.model, pack.to(self._device)) / supervised
            loss.backward()
            self.masters.gather()
            total += float(loss.detach())
        return total, supervised

    def _step(self, rate: float, norm: float) -> None:
        if math.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            self.masters.scatter()
            self._faults = 0
        else:
            self._faults += 1
            self.state["skipped"] += 1
        self.optimizer.zero_grad(set_to_none=True)
        if self._faults >= _FAULTS:
            raise DataError(
                f"update {self.state['updates']}: gradient not finite {_FAULTS} times in a row; lower optimizer.peak"
            )


def freeze(model: nn.Module, parts: list[str]) -> None:
    """Take parts of the model out of training.

    Raises:
        DataError: a part is unknown.
    """
    for part in parts:
        if part not in PARTS:
            raise DataError(f"optimizer.frozen: {part!r}; allowed: {', '.join(PARTS)}")
        for parameter in _part(model, part):
            parameter.requires_grad_(False)


def _part(model: nn.Module, part: str) -> Iterator[nn.Parameter]:
    for name, parameter in model.named_parameters():
        inside = name.startswith(PARTS[part])
        if inside and (part != "vision" or not name.startswith(PARTS["merger"])):
            yield parameter


def _adamw(weights: Iterable[torch.Tensor], settings: Optimizer) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only."""
    trained = list(weights)
    groups = [
        {"params": [each for each in trained if each.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [each for each in trained if each.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.peak, betas=(settings.beta1, settings.beta2), fused=True)
