"""The origin of the steps behind a table: versions, code, packages, hardware; and where steps of one stage differ."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmprolong.store.run_record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The origin of one finished step; fields that were not recorded are empty."""

    commit: str = ""
    code: dict[str, str] = field(default_factory=dict)
    """Digest of every source file by its name."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    """Of the stage, and of every plug-in by its key and name."""

    @property
    def environment(self) -> dict[str, str]:
        """Everything beside the versions that may change a number a little."""
        return {**self.code, **self.packages, **({"hardware": self.hardware} if self.hardware else {})}


def origin_of(record: RunRecord) -> Origin:
    """Return the origin of a finished step."""
    return Origin(
        commit=record.commit,
        code=record.code,
        packages=record.packages,
        hardware=record.hardware,
        versions={record.stage: record.version, **plugin_versions(record.settings)},
    )


def plugin_versions(settings: Mapping[str, Any], key: str = "") -> dict[str, int]:
    """Return the versions in a step's identity: of plug-ins by key and name, of the tasks of a source by name."""
    found = {f"{key}{name}": one for name, one in settings.items() if key.endswith("versions.")}
    if "name" in settings and isinstance(settings.get("version"), int):
        found[f"{key}{settings['name']}"] = settings["version"]
    for name, inner in settings.items():
        if isinstance(inner, Mapping):
            found |= plugin_versions(inner, f"{key}{name}.")
    return found


def differing_facts(
    steps: Mapping[str, str], origins: Mapping[str, Origin], facts: Callable[[Origin], Mapping[str, Any]]
) -> Iterator[tuple[str, str, dict[Any, str]]]:
    """Yield stage, name and value -> first step of each fact that differs among `steps` (stage by id) of one stage."""
    found: dict[tuple[str, str], dict[Any, str]] = defaultdict(dict)
    for step, stage in steps.items():
        for name, value in facts(origins[step]).items() if step in origins else ():
            found[stage, name].setdefault(value, step)
    yield from ((stage, name, values) for (stage, name), values in found.items() if len(values) > 1)
