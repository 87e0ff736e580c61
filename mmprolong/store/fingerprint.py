"""Stable identities: canonical JSON and its hash. What has no stable identity is refused, never guessed."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mmprolong.errors import ConfigError

HASH_LENGTH = 12


def canonical(value: Any, where: str = "value") -> str:
    """Return `value` as JSON that is equal exactly when the settings are equal.

    Keys are sorted, tuples are lists, and an integral float is written as an integer, so `1`, `1.0` and `1e0` agree.

    Raises:
        ConfigError: a value is not null, bool, int, finite float, str, list or a dict with string keys.
    """
    return json.dumps(_plain(value, where), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """Return 12 hex digits of the SHA-256 of `canonical(value)` (48 bits: 1e6 steps collide with p < 2e-3)."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:HASH_LENGTH]


def readable_id(name: str, value: Any) -> str:
    """Return a folder name for `value`: a name for people, then the hash that identifies it."""
    slug = re.sub(r"[^a-z0-9_.]+", "-", name.lower()).strip("-")
    return f"{slug}-{digest(value)}"


def differences(then: Mapping[str, Any], now: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield key and both values of what two mappings have in common and differ in, level by level.

    Args:
        key: under which both lie.
    """
    for name in sorted(then.keys() & now.keys()):
        old, new, at = then[name], now[name], f"{key}.{name}".lstrip(".")
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from differences(old, new, at)
        elif canonical(old) != canonical(new):
            yield at, old, new


def leaves(settings: Mapping[str, Any], separator: str = ".", key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their joined keys; an empty mapping is a value."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, separator, f"{key}{name}{separator}")
        else:
            yield key + name, value


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    raise ConfigError(f"{where}: {value!r} has no stable identity; use null, bool, int, finite float, str, list, dict")
