"""The loop of one phase: any objective, any engine."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from mmprolong.errors import DataError
from mmprolong.models.network import Batch
from mmprolong.records import Measured
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.engines import TrainingEngine
from mmprolong.training.memory import peak_memory, reset_peak
from mmprolong.training.objectives import Objective
from mmprolong.training.schedule import learning_rate
from mmprolong.training.trained_on import TrainedOn

_FAULTS = 3
"""Updates in a row whose gradient is not finite before the phase is given up."""


class Updates(Protocol):
    """The updates of a phase, in order."""

    @property
    def tokens(self) -> int:
        """Tokens of all updates."""
        ...

    def __len__(self) -> int: ...

    def conversations(self, update: int) -> Sequence[Measured]:
        """Return the measured examples of an update, counted from 0."""
        ...

    def batches(self, update: int) -> Iterator[Batch]:
        """Yield the packed sequences of an update."""
        ...


class Loop:
    """Trains by an engine; every update is logged, snapshots are taken by time.

    Args:
        native_context: of the model [tokens].
        snapshots: folder for them alone.
    """

    def __init__(
        self,
        engine: TrainingEngine,
        objective: Objective,
        updates: Updates,
        settings: Optimizer,
        native_context: int,
        snapshots: Path,
        log: RunLog,
    ) -> None:
        self.engine = engine
        self.objective = objective
        self.updates = updates
        self.settings = settings
        self.snapshots = snapshots
        self.log = log
        self.state = {"updates": 0, "tokens": 0, "skipped": 0}
        self._trained_on = TrainedOn(native_context)
        self._faults = 0

    def run(self, checkpoint_seconds: float) -> dict[str, int]:
        """Continue from the newest snapshot to the end; return updates, tokens and skipped updates.

        Raises:
            Interrupted: the step was asked to stop; there is a snapshot of the last update.
        """
        self._restore()
        reset_peak()
        saved = time.monotonic()
        for update in range(self.state["updates"], len(self.updates)):
            self.log.metrics(self.update(update), update + 1)
            self.log.progress(update + 1, len(self.updates), "updates")
            stop, last = self.log.stopping(), update + 1 == len(self.updates)
            if (stop or time.monotonic() - saved > checkpoint_seconds) and not last:
                self.engine.save(self.snapshots, self.state)
                saved = time.monotonic()
                if stop:
                    raise Interrupted
        return self.state

    def _restore(self) -> None:
        """Load the newest snapshot; tokens by task and length before it are counted again."""
        self.state = self.engine.restore(self.snapshots) or self.state
        self.log.rewind(self.state["updates"])
        for update in range(self.state["updates"]):
            self._trained_on.add(self.updates.conversations(update))

    def update(self, update: int) -> dict[str, float]:
        """Train on one update; return its line of the log.

        Raises:
            DataError: three updates in a row had a gradient that is not finite.
        """
        began = time.perf_counter()
        conversations = self.updates.conversations(update)
        tokens = sum(each.tokens for each in conversations)
        means = self._gradient(update, conversations)
        self.state["updates"] += 1
        self.state["tokens"] += tokens
        rate = learning_rate(self.settings, self.state["tokens"], self.updates.tokens)
        norm = self._step(rate)
        self._trained_on.add(conversations)
        return {
            "update": self.state["updates"],
            "tokens": self.state["tokens"],
            "supervised": sum(each.supervised for each in conversations),
            **means,
            "lr": rate,
            "grad_norm": norm if math.isfinite(norm) else -1.0,
            "tokens_per_second": tokens / (time.perf_counter() - began),
            "memory_gb": peak_memory(),
            **self._trained_on.shares(),
        }

    def _gradient(self, update: int, conversations: Sequence[Measured]) -> dict[str, float]:
        weight = self.objective.weight(conversations)
        means: dict[str, float] = defaultdict(float)
        for batch in self.updates.batches(update):
            for name, share in self.engine.backward(self.objective, batch, weight).items():
                means[name] += share
        return dict(means)

    def _step(self, rate: float) -> float:
        norm = self.engine.step(rate, self.settings.max_grad_norm)
        self._faults = 0 if math.isfinite(norm) else self._faults + 1
        self.state["skipped"] += not math.isfinite(norm)
        if self._faults >= _FAULTS:
            raise DataError(
                f"update {self.state['updates']}: gradient not finite {_FAULTS} times in a row; lower optimizer.peak_lr"
            )
        return norm
