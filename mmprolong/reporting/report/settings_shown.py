"""What each arm was told: its differences from the baseline, and everything."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.settings.knobs import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting that an arm has otherwise than the baseline."""

    key: str
    baseline: str
    arm: str


def changes(plan: Plan, label: str) -> list[Change]:
    """What sets an arm apart from the baseline, by their first seeds; settings of where it ran are left out.

    Raises:
        ArtifactError: a configuration in the plan is not one of this version.
    """
    baseline, arm = (_flat(plan.of(name)[0]) for name in (plan.baseline, label))
    keys = [key for key in dict.fromkeys([*baseline, *arm]) if baseline.get(key) != arm.get(key)]
    return [Change(key=key, baseline=baseline.get(key, "-"), arm=arm.get(key, "-")) for key in keys]


def complete(plan: Plan, label: str) -> str:
    """The whole frozen configuration of an arm's first seed."""
    return json.dumps(plan.of(label)[0].config, indent=2, ensure_ascii=False)


def _flat(point: Point) -> dict[str, str]:
    try:
        config = msgspec.convert(point.config, Config)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"plan: configuration of {point.label}: {error}; plan the sweep again") from error
    return {key: json.dumps(value, ensure_ascii=False) for key, value in _walk("", config)}


def _walk(prefix: str, settings: Any) -> Iterator[tuple[str, Any]]:
    for name, value in _named(settings):
        key = f"{prefix}{name}"
        if is_dataclass(value) or (isinstance(value, dict) and any(map(is_dataclass, value.values()))):
            yield from _walk(f"{key}.", value)
        else:
            yield key, value


def _named(settings: Any) -> list[tuple[str, Any]]:
    """The named parts of a settings object without those that say where it runs."""
    if isinstance(settings, dict):
        return list(settings.items())
    kept = (entry.name for entry in fields(settings) if entry.metadata.get("role") != "execution")
    return [(name, getattr(settings, name)) for name in kept]
