"""Declare settings: fields with limits, fields that are no identity, plug-ins; and the identity of settings."""

from dataclasses import field, fields, is_dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

from mmprolong import plugins
from mmprolong.plugins import Choice

EXECUTION = {"role": "execution"}
"""Marks a field that says where or how a step runs, and so must never change what it is."""

AtLeast0 = Annotated[int, Ge(0)]
AtLeast1 = Annotated[int, Ge(1)]
NotNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Ge(0), Le(1)]
Below1 = Annotated[float, Ge(0), Lt(1)]


def execution(default: Any) -> Any:
    """Declare a field that is no identity."""
    return field(default=default, metadata=EXECUTION)


def plugin(package: str, default: Choice) -> Any:
    """Declare a field that chooses a plug-in; its name, version and options are identity."""
    return field(default_factory=lambda: default, metadata={"plugin": package})


def plugins_of(package: str) -> Any:
    """Declare a field that chooses any number of plug-ins, by default none."""
    return field(default_factory=list, metadata={"plugin": package})


def identity(settings: Any, whole: bool = False) -> dict[str, Any]:
    """Return what of a settings object names a step.

    That is no execution field and nothing that is at its default; of a plug-in its name, version and options.

    Args:
        whole: keep what is at its default: what the step depends on, as it is today.
    """
    kept: dict[str, Any] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if entry.metadata == EXECUTION:
            continue
        if "plugin" in entry.metadata and isinstance(value, list):
            if value or whole:
                chosen = (plugins.identity(entry.metadata["plugin"], each, entry.name, whole) for each in value)
                kept[entry.name] = list(chosen)
        elif "plugin" in entry.metadata:
            kept[entry.name] = plugins.identity(entry.metadata["plugin"], value, entry.name, whole)
        elif isinstance(value, dict) and any(map(is_dataclass, value.values())):
            kept[entry.name] = {name: identity(each, whole) for name, each in value.items()}
        elif isinstance(value, list) and any(map(is_dataclass, value)):
            kept[entry.name] = [identity(each, whole) for each in value]
        elif is_dataclass(value):
            inner = identity(value, whole)
            if inner or whole:
                kept[entry.name] = inner
        elif whole or value != plugins.default_of(entry):
            kept[entry.name] = value
    return kept


def without_versions(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a whole identity as settings: its plug-ins are choices again."""
    kept = {key: value for key, value in settings.items() if key != "version"}
    return {key: without_versions(value) if isinstance(value, dict) else value for key, value in kept.items()}
