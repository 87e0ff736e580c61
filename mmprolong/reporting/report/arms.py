"""The settings of each arm: its differences from the baseline, and all of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.settings.fields import identity
from mmprolong.settings.knobs import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting that an arm has otherwise than the baseline."""

    key: str
    baseline: str
    arm: str


def changes(plan: Plan, label: str) -> list[Change]:
    """Return what sets an arm apart from the baseline, by their first seeds; where they ran is left out.

    Raises:
        ArtifactError: a configuration in the plan is not one of this version.
    """
    baseline, arm = (_flat(plan.of(name)[0]) for name in (plan.baseline, label))
    keys = [key for key in dict.fromkeys([*baseline, *arm]) if baseline.get(key) != arm.get(key)]
    return [Change(key=key, baseline=baseline.get(key, "-"), arm=arm.get(key, "-")) for key in keys]


def complete(plan: Plan, label: str) -> str:
    """Return the whole frozen configuration of an arm's first seed."""
    return json.dumps(plan.of(label)[0].config, indent=2, ensure_ascii=False)


def _flat(point: Point) -> dict[str, str]:
    try:
        config = msgspec.convert(point.config, Config)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"plan: configuration of {point.label}: {error}; plan the sweep again") from error
    return {key: json.dumps(value, ensure_ascii=False) for key, value in _leaves("", identity(config, whole=True))}


def _leaves(prefix: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value
