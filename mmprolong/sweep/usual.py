"""How long steps took that other sweeps finished in the store: what an estimate rests on before a sweep has any."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec

from mmprolong.pipeline.plan import Plan
from mmprolong.settings.fields import identity
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.standing import Standing

_READ = 100
"""Records of a stage that are read, the newest."""
_USED = 20
"""Of these, those that are of the same kind and count."""
_LOOKED_AT = 20
"""Steps of a stage that say which kinds the plan has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """What is read of a record."""

    settings: dict[str, Any]
    metrics: dict[str, Any]
    seconds: float


def usual_seconds(store: Store, plan: Plan, where: Mapping[str, Standing]) -> dict[str, float]:
    """Mean wall time by stage of what the store has of the same kind, of training for each token [s].

    Of stages of which the plan itself has finished steps nothing is read. Steps are of one kind if they have the model
    in common, and the writer of questions.
    """
    known = {plan.steps[name].stage for name, each in where.items() if each.record is not None}
    asked = {plan.steps[name].stage for name, each in where.items() if each.state != "finished"}
    found = {stage: _newest(store, stage, _kinds(plan, stage)) for stage in sorted(asked - known)}
    return {stage: fmean(times) for stage, times in found.items() if times}


def _kinds(plan: Plan, stage: str) -> list[object]:
    steps = [step for step in plan.steps.values() if step.stage == stage][:_LOOKED_AT]
    return [_kind(identity(msgspec.convert(step.settings, type=STAGES[stage].settings))) for step in steps]


def _kind(settings: Mapping[str, Any]) -> object:
    """What of the settings that name a step decides most how long it takes; its size is not among it."""
    return settings.get("model"), settings.get("backbone"), settings.get("source", {}).get("writer")


def _newest(store: Store, stage: str, kinds: list[object]) -> list[float]:
    times: list[float] = []
    for path in _records(store.root / stage)[:_READ]:
        record = _read(path)
        if record is not None and _kind(record.settings) in kinds and len(times) < _USED:
            times.append(record.seconds / (record.metrics.get("tokens") or 1 if stage == "training" else 1))
    return times


def _records(folder: Path) -> list[Path]:
    """Those of a stage, the newest first."""
    return [path for _, path in sorted(_dated(folder), reverse=True)]


def _dated(folder: Path) -> Iterator[tuple[int, Path]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name / DONE
            try:
                yield path.stat().st_mtime_ns, path
            except OSError:  # not finished
                continue


def _read(path: Path) -> _Finished | None:
    """None if it is damaged: an estimate does without it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Finished)
    except (OSError, msgspec.DecodeError):
        return None
