"""The loop of one phase: any objective, any engine."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from mmprolong.errors import DataError
from mmprolong.models.network import Batch
from mmprolong.records import Measured
from mmprolong.runtime.run_log import Interrupted, RunLog
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.engines import TrainingEngine
from mmprolong.training.layout import Layout
from mmprolong.training.memory import peak_memory, reset_peak
from mmprolong.training.objectives import Objective
from mmprolong.training.schedule import learning_rate
from mmprolong.training.snapshots import make_room
from mmprolong.training.trained_on import TrainedOn
from mmprolong.training.watchdog import Watchdog

_FAULTS = 3
"""Updates in a row whose gradient is not finite before the phase is given up."""
_NORMS = 32
"""Updates whose mean norm says what a spike is."""
_SAVING = 0.02
"""Largest share of the time that saving takes."""


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

    def packs(self, update: int) -> list[int]:
        """Return the ids of the packs of an update."""
        ...

    def turns(self, update: int) -> Sequence[object]:
        """Return one for each batch of this process in an update."""
        ...

    def flops(self, update: int) -> float:
        """Return the operations of an update that a model's utilisation (MFU) counts."""
        ...

    def idle(self, update: int) -> float:
        """Return the share of the update in which processes wait for others that have dearer packs."""
        ...

    def batches(self, update: int) -> Iterator[Batch]:
        """Yield the batches of this process in an update."""
        ...


class Loop:
    """Trains by an engine; every update is logged, snapshots are taken by time.

    Args:
        native_context: of the model [tokens].
        snapshots: folder for them alone.
        keep: how many snapshots stay.
        limit: size of all snapshots, with the one that is being written [bytes].
        peak: of all devices together [FLOP/s]; 0: unknown.
        after_update: is called after every update.
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
        layout: Layout = Layout(),  # noqa: B008
        watchdog: Watchdog | None = None,
        keep: int = 1,
        limit: float = math.inf,
        peak: float = 0.0,
        after_update: Callable[[], None] = lambda: None,
    ) -> None:
        self.engine = engine
        self.objective = objective
        self.updates = updates
        self.settings = settings
        self.snapshots = snapshots
        self.log = log
        self.layout = layout
        self.state: dict[str, Any] = {"updates": 0, "tokens": 0, "skipped": [], "norms": []}
        self._at = watchdog.at if watchdog else lambda place, waits=False: None
        self._trained_on = TrainedOn(native_context)
        self._saving = 0.0
        self._keep, self._limit = keep, limit
        self._peak = peak
        self._after_update = after_update

    def run(self, checkpoint_seconds: float) -> dict[str, Any]:
        """Continue from the newest snapshot to the end; return updates, tokens and skipped updates.

        Args:
            checkpoint_seconds: shortest time between snapshots [s]; longer where saving takes long.

        Raises:
            Interrupted: the step was asked to stop; there is a snapshot of the last update.
        """
        self._restore()
        reset_peak()
        saved = time.monotonic()
        for update in range(self.state["updates"], len(self.updates)):
            self.log.metrics(self.update(update), update + 1)
            self.log.progress(update + 1, len(self.updates), "updates")
            self._after_update()
            due = time.monotonic() - saved > max(checkpoint_seconds, self._saving / _SAVING)
            wanted = {"stop": float(self.log.stopping()), "save": float(due and self.layout.rank == 0)}
            self._at(f"update {update + 1}, the end", waits=True)
            wanted = self.layout.total(wanted)
            if any(wanted.values()) and update + 1 < len(self.updates):
                self._save(update)
                saved = time.monotonic()
                if wanted["stop"]:
                    raise Interrupted
        return self.state

    def _save(self, update: int) -> None:
        self._at(f"update {update + 1}, saving", waits=True)
        began = time.monotonic()
        if self.layout.rank == 0:
            make_room(self.snapshots, self._keep, self._limit, coming=True)
        self.engine.save(self.snapshots, self.state)
        if self.layout.rank == 0:
            make_room(self.snapshots, self._keep, self._limit)
        self._saving = time.monotonic() - began

    def _restore(self) -> None:
        """Load the newest snapshot; tokens by task and length before it are counted again."""
        self._at("restoring", waits=True)
        self.state = self.engine.restore(self.snapshots) or self.state
        self.layout.agree("updates of the newest checkpoint", self.state["updates"])
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
        tokens, supervised = (sum(getattr(each, name) for each in conversations) for name in ("tokens", "supervised"))
        means, waited = self._gradient(update, conversations)
        self.state["updates"] += 1
        self.state["tokens"] += tokens
        rate = learning_rate(self.settings, self.state["tokens"], self.updates.tokens)
        norm = self._step(rate, means["loss"])
        self._trained_on.add(conversations)
        seconds = time.perf_counter() - began
        return {
            "update": self.state["updates"],
            "tokens": self.state["tokens"],
            "supervised": supervised,
            **means,
            "lr": rate,
            "grad_norm": norm if math.isfinite(norm) else -1.0,
            "tokens_per_second": tokens / seconds,
            "supervised_per_second": supervised / seconds,
            "data_wait": waited / seconds,
            "idle": self.updates.idle(update),
            **({"mfu": self.updates.flops(update) / seconds / self._peak} if self._peak else {}),
            "memory_gb": peak_memory(),
            **self._trained_on.shares(),
        }

    def _gradient(self, update: int, conversations: Sequence[Measured]) -> tuple[dict[str, float], float]:
        """Return the means of the update, and the time spent waiting for batches [s]."""
        weight = self.objective.weight(conversations)
        means: dict[str, float] = defaultdict(float)
        batches, turns, waited = self.updates.batches(update), len(self.updates.turns(update)), 0.0
        for turn in range(1, turns + 1):
            place = f"update {update + 1}, batch {turn} of {turns}"
            self._at(f"{place}, reading")
            began = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - began
            self._at(f"{place}, computing", waits=True)
            for name, share in self.engine.backward(self.objective, batch, weight, turn == turns).items():
                means[name] += share
        return self.layout.total(means), waited

    def _step(self, rate: float, loss: float) -> float:
        norms, spike = self.state["norms"], self.settings.spike
        limit = spike * sum(norms) / len(norms) if spike and len(norms) == _NORMS else math.inf
        norm = self.engine.step(rate, limit)
        if math.isfinite(norm) and norm <= limit:
            self.state["norms"] = [*norms, norm][-_NORMS:] if spike else []
            return norm
        update = self.state["updates"]
        numbers = {"loss": loss, "norm": norm, "limit": limit}
        numbers = {name: value if math.isfinite(value) else str(value) for name, value in numbers.items()}
        self.state["skipped"].append({"update": update, "packs": self.updates.packs(update - 1), **numbers})
        last = [each for each in self.state["skipped"][-_FAULTS:] if each["norm"] in ("inf", "nan")]
        if len(last) == _FAULTS and last[0]["update"] == update - _FAULTS + 1:
            packs = ", ".join(map(str, last[0]["packs"][:5]))
            raise DataError(
                f"update {update}: gradient not finite {_FAULTS} times in a row, first with packs {packs}; lower "
                "optimizer.peak_lr"
            )
        return norm
