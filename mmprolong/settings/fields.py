"""Declare settings: fields with limits, fields that are no identity, plug-ins."""

from dataclasses import field
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

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


def without_versions(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a whole identity as settings: its plug-ins are choices again."""
    kept = {key: value for key, value in settings.items() if key != "version"}
    return {key: without_versions(value) if isinstance(value, dict) else value for key, value in kept.items()}
