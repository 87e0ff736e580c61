"""The steps that run: how far, how fast, and what the loss does."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mmprolong.pipeline.plan import Plan
from mmprolong.store.store import LOG, Store
from mmprolong.sweep.estimate import time_left
from mmprolong.sweep.standing import Standing, last_words

_DRAWN = 48
"""Points of a curve."""
_WIDTH, _HEIGHT = 120, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One step that runs."""

    label: str
    stage: str
    job: str
    progress: Mapping[str, Any]
    """`done`, `total`, `unit`, `rate` [1/s]; empty while it starts."""
    left: float | None
    """[s]"""
    metrics: Mapping[str, Any]
    """Of its last update: `loss`, `tokens_per_second`, ..."""
    losses: Sequence[float]
    """From the beginning to now, thinned out."""
    words: str
    """The last line that its job wrote, if it says nothing else."""

    @property
    def curve(self) -> str:
        """The losses as the points of an SVG polyline."""
        low, high = min(self.losses), max(self.losses)
        step = _WIDTH / max(len(self.losses) - 1, 1)
        scale = (_HEIGHT - 2) / (high - low or 1)
        return " ".join(f"{step * x:.0f},{1 + scale * (high - loss):.1f}" for x, loss in enumerate(self.losses))


def running(store: Store, plan: Plan, where: Mapping[str, Standing], most: int) -> list[Running]:
    """The first `most` steps that run, in the order of the plan."""
    names = [name for name, each in where.items() if each.state == "running"][:most]
    return [_running(store, plan, name, where[name]) for name in names]


def _running(store: Store, plan: Plan, name: str, at: Standing) -> Running:
    step = plan.steps[name]
    folder = store.folder(step.stage, name)
    words = [] if at.progress else last_words(folder, at, 1)
    return Running(
        label=step.label.removeprefix(f"{plan.ablation}/"),
        stage=step.stage,
        job=at.job,
        progress=at.progress,
        left=time_left(at),
        metrics=at.metrics,
        losses=_losses(folder / LOG) if at.metrics.get("loss") is not None else [],
        words=words[-1] if words else "",
    )


def _losses(path: Path) -> list[float]:
    """Losses of lines spread evenly over a log, however long it is; none if it is not there."""
    try:
        with path.open("rb") as file:
            return [loss for line in _spread(file) for loss in _loss(line)]
    except FileNotFoundError:
        return []


def _spread(file: BinaryIO) -> Iterator[bytes]:
    size = file.seek(0, 2)
    last = -1
    for part in range(_DRAWN):
        file.seek(size * part // _DRAWN)
        if part:
            file.readline()
        if file.tell() > last:
            last = file.tell()
            yield file.readline()


def _loss(line: bytes) -> list[float]:
    """Of one line; nothing if it is torn, or if the loss was no finite number."""
    try:
        return [float(json.loads(line)["loss"])]
    except (ValueError, KeyError, TypeError):
        return []
