"""Plug-ins: one file each, in a folder that is the registry.

A plug-in is a frozen dataclass; its fields are its options and `version: ClassVar[int]` rises with every change of what
it gives. Settings choose it as `{name: FILE, **options}`. Importing its file must not import torch: planning does it.
"""

import importlib
import importlib.util
import sys
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from mmprolong.errors import ConfigError, InvalidSettings, Problem, nearest

Choice = str | dict[str, Any]
"""A name, or `{name: ..., **options}`, as it stands in the settings."""


@cache
def names_in(package: str) -> tuple[str, ...]:
    """Return the names of the plug-ins of a package: its Python files that do not begin with an underscore."""
    folder = Path(importlib.import_module(package).__path__[0])
    return tuple(sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")))


def make(package: str, choice: Choice, key: str) -> Any:
    """Build the plug-in that a choice names, with its options.

    Args:
        package: dotted name of the registry, for example `mmprolong.evaluation.scorers`.
        choice: name and options.
        key: where the choice stands in the settings; begins the error messages.

    Raises:
        InvalidSettings: the name or an option is unknown, or an option is of the wrong type.
    """
    name, options = split(choice)
    kind = plugin_class(package, name, key)
    allowed = [each.name for each in fields(kind)]
    problems = [
        Problem(f"{key}.{each}", f"unknown; {nearest(each, allowed)}") for each in options if each not in allowed
    ]
    if problems:
        raise InvalidSettings(*problems)
    try:
        return msgspec.convert(options, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidSettings(Problem(key, f"{options}; {error}")) from error


def identity(package: str, choice: Choice, key: str, whole: bool = False) -> dict[str, Any]:
    """Return what names a choice in a step's id: its name, its version and the options that are not at their default.

    Args:
        whole: keep the options that are at their default.
    """
    made = make(package, choice, key)
    return {"name": split(choice)[0], "version": made.version, **msgspec.to_builtins(identity_of(made, whole))}


def identity_of(settings: Any, whole: bool = False) -> dict[str, Any]:
    """Return what of a settings object, or of a plug-in's options, names a step.

    That is no execution field and nothing that is at its default; of a plug-in always its name, version and options.

    Args:
        whole: keep what is at its default: what the step depends on, as it is today.
    """
    kept: dict[str, Any] = {}
    for entry in fields(settings):
        value, package = getattr(settings, entry.name), entry.metadata.get("plugin")
        if entry.metadata.get("role") == "execution":
            continue
        if package and isinstance(value, list):
            inner = [identity(package, each, entry.name, whole) for each in value]
        else:
            inner = identity(package, value, entry.name, whole) if package else _inner(value, whole)
        if whole or (value != default_of(entry) if inner is value else inner):
            kept[entry.name] = inner
    return kept


def _inner(value: Any, whole: bool) -> Any:
    """Return the identities of settings objects within a value; any other value as it is."""
    if is_dataclass(value):
        return identity_of(value, whole)
    if isinstance(value, dict) and any(map(is_dataclass, value.values())):
        return {name: identity_of(each, whole) for name, each in value.items()}
    if isinstance(value, list) and any(map(is_dataclass, value)):
        return [identity_of(each, whole) for each in value]
    return value


def split(choice: Choice) -> tuple[str, dict[str, Any]]:
    """Return name and options of a choice."""
    if isinstance(choice, str):
        return choice, {}
    return str(choice.get("name", "")), {option: value for option, value in choice.items() if option != "name"}


def plugin_class(package: str, name: str, key: str) -> type:
    """Return the class of the plug-in `name`: the one in its file that has a version.

    Raises:
        InvalidSettings: there is no such file; names the nearest.
    """
    if name not in names_in(package):
        raise InvalidSettings(Problem(key, f"{name!r} is unknown; {nearest(name, names_in(package))}"))
    module = importlib.import_module(f"{package}.{name}")
    own = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)
    (found,) = (each for each in own if "version" in vars(each))
    return found


def load_file(path: Path, *needed: str) -> ModuleType:
    """Import a file that is not part of a package.

    Args:
        needed: names that it must define.

    Raises:
        ConfigError: it is no Python file, imports what is not there, or lacks a name.
    """
    qualified = f"mmprolong_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(qualified, path)
    assert spec is not None and spec.loader is not None  # as of every .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError) as error:
        raise ConfigError(f"{path}: {error}; mend it") from error
    missing = [name for name in needed if not hasattr(module, name)]
    if missing:
        raise ConfigError(f"{path}: does not define {missing[0]!r}; define it as the files of the package do")
    return module


def default_of(entry: Any) -> Any:
    """Return the default of a dataclass's field."""
    return entry.default_factory() if callable(entry.default_factory) else entry.default
