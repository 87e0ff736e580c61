"""Overrides as text: choices from groups, and values that are set after all files."""

import re
from collections.abc import Iterable

from mmprolong.config.groups import ABLATION, folder_of, groups, named
from mmprolong.errors import InvalidSettings, Problem

SWEEP = "sweep"
"""The block of an ablation file."""
_PLAIN = re.compile(r"[\w./:+-]+", re.ASCII)


def key_of(override: str) -> str:
    """Return the key or group that an override sets."""
    return override.strip().lstrip("+~").partition("=")[0]


def value_of(override: str) -> str:
    """Return what stands after the first `=`, without quotes around it."""
    return override.partition("=")[2].strip("'\"")


def assigned(key: str, text: str) -> str:
    """Return the override that sets `key` to `text`, in quotes where the grammar asks for them or reads a number."""
    if "/" in text and _PLAIN.fullmatch(text):
        return f"{key}={text}"
    escaped = re.sub(r"\\+(?='|\Z)", lambda found: 2 * found[0], text).replace("'", r"\'")
    return f"{key}='{escaped}'"


def is_choice(override: str) -> bool:
    """Tell a choice from a group, such as `rope=base_x4`, from a value."""
    return key_of(override) in groups() and not override.startswith("~")


def choices(overrides: Iterable[str]) -> tuple[str, ...]:
    """Return the last choice of each group as Hydra takes it: in quotes, since `8_2` is a number to it.

    Raises:
        InvalidSettings: a group has no such choice; all of them.
    """
    chosen = {key_of(text): value_of(text) for text in overrides if is_choice(text)}
    problems: list[Problem] = []
    for group, name in chosen.items():
        try:
            named(folder_of(group), name, group)
        except InvalidSettings as error:
            problems += error.problems
    if problems:
        raise InvalidSettings(*problems)
    return tuple(f"{'+' if group == ABLATION else ''}{group}='{name}'" for group, name in chosen.items())
