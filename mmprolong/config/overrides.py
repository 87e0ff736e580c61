"""Overrides as text: choices from groups, and values that are set after all files; and what set a wrong value."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mmprolong.config.groups import ABLATION, folder_of, groups, named
from mmprolong.errors import ConfigError, InvalidSettings, Problem

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


def refuse_ablation(overrides: Iterable[str]) -> None:
    """Refuse an ablation where one configuration is asked for.

    Raises:
        ConfigError: an override chooses or changes one.
    """
    for text in overrides:
        if key_of(text).partition(".")[0] in (ABLATION, SWEEP):
            raise ConfigError(f"override {text!r}: this command runs one configuration; leave the ablation out")


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


@contextmanager
def locating(overrides: Sequence[str], file: str = "") -> Iterator[None]:
    """Let errors name the last override that set the key that they are about, or else `file`."""
    try:
        yield
    except InvalidSettings as error:
        raise InvalidSettings(*(_located(each, overrides, file) for each in error.problems)) from error


def _located(problem: Problem, overrides: Sequence[str], file: str) -> Problem:
    found = (f"override {text!r}" for text in reversed(overrides) if problem.key and _touches(text, problem.key))
    return replace(problem, where=problem.where or next(found, file))


def _touches(override: str, key: str) -> bool:
    """Tell whether an override sets a value, a part of it or what it is in; a choice sets its group alone."""
    own = key_of(override)
    if is_choice(override):
        return own == key
    return f"{key}.".startswith(f"{own}.") or own.startswith(f"{key}.")
