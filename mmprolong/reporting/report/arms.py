"""The settings in which each arm differs from the baseline."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.settings.fields import identity
from mmprolong.settings.knobs import Config


def changed_settings(plan: Plan, label: str) -> list[tuple[str, str, str]]:
    """Return key, the baseline's value and the arm's, by their first seeds; where they ran is left out.

    Raises:
        ArtifactError: a configuration in the plan is not one of this version.
    """
    baseline, arm = (_flat(plan.of(name)[0]) for name in (plan.baseline, label))
    both = ((key, baseline.get(key, "-"), arm.get(key, "-")) for key in dict.fromkeys([*baseline, *arm]))
    return [(key, one, other) for key, one, other in both if one != other]


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
