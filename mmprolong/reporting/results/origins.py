"""What made the steps behind a table: versions, code, packages, machines; and where the steps of one stage differ."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmprolong.errors import ArtifactError
from mmprolong.records import RunRecord
from mmprolong.settings.stages import STAGES

_FILES = 3
"""Source files that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made one finished step; what was not recorded is empty."""

    commit: str = ""
    code: dict[str, str] = field(default_factory=dict)
    """Digest of every source file by its name."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""
    versions: dict[str, int] = field(default_factory=dict)
    """Of the stage, and of every plug-in by its key and name."""


Steps = Mapping[str, str]
"""Stage by id."""
Origins = Mapping[str, Origin]
"""By id."""


def origin_of(record: RunRecord) -> Origin:
    """Return what made a finished step."""
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


def require_same_versions(ablation: str, steps: Steps, origins: Origins) -> None:
    """Refuse results of which different versions of a stage or a plug-in made the steps.

    Raises:
        ArtifactError: names stage, versions, a step of each, and what to do.
    """
    for stage, of_stage in _by_stage(steps, origins):
        for name, made in _differing(of_stage, "versions"):
            sides = " and ".join(f"{version} in {stage}/{found[0]}" for version, found in made.items())
            raise ArtifactError(
                f"{ablation}: different versions of {name} made steps of {stage}: {sides}; sweep again, so that all "
                "rows are of today's version"
            )


def differing_code(steps: Steps, origins: Origins) -> list[str]:
    """Return a sentence for each stage whose steps were made by different source files of the same versions."""
    found = []
    for stage, of_stage in _by_stage(steps, origins):
        files = dict(_differing(of_stage, "code"))
        if files:
            groups = sorted(next(iter(files.values())).values(), key=len, reverse=True)
            sides = " and ".join(_side(stage, group, of_stage) for group in groups)
            found.append(f"{stage}: {shortened(files)} not the same in {sides}")
    return found


def differing_packages(steps: Steps, origins: Origins) -> dict[str, dict[str, list[str]]]:
    """Return packages of which the steps of one stage had different versions: stage -> package -> versions."""
    found = {
        stage: {name: sorted(made) for name, made in _differing(of_stage, "packages")}
        for stage, of_stage in _by_stage(steps, origins)
    }
    return {stage: packages for stage, packages in found.items() if packages}


def machines(steps: Iterable[str], origins: Origins) -> list[str]:
    """Return the kinds of machines that made the steps."""
    return sorted({origins[step].hardware for step in steps if step in origins and origins[step].hardware})


def shortened(files: Iterable[str]) -> str:
    """Return the first names of source files, and how many more there are."""
    names = sorted(files)
    more = f" and {len(names) - _FILES} more" if len(names) > _FILES else ""
    return ", ".join(names[:_FILES]) + more


def _by_stage(steps: Steps, origins: Origins) -> Iterator[tuple[str, Origins]]:
    for stage in STAGES:
        yield stage, {step: origins[step] for step, its in steps.items() if its == stage and step in origins}


def _differing(origins: Origins, what: str) -> Iterator[tuple[str, dict[Any, list[str]]]]:
    """Yield name -> value -> steps of what differs; steps that do not say it agree with all."""
    found: dict[str, dict[Any, list[str]]] = defaultdict(lambda: defaultdict(list))
    for step, origin in origins.items():
        for name, value in getattr(origin, what).items():
            found[name][value].append(step)
    yield from ((name, made) for name, made in sorted(found.items()) if len(made) > 1)


def _side(stage: str, steps: list[str], origins: Origins) -> str:
    commits = sorted({origins[step].commit for step in steps if origins[step].commit})
    count = f"{len(steps)} step{'s' * (len(steps) > 1)}"
    return f"{count} at commit {' and '.join(commits) or 'unknown'} (such as {stage}/{steps[0]})"
