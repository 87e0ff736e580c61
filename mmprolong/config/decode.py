"""Decode plain values as settings by the types and limits of their fields; all errors are raised at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails

from mmprolong import plugins
from mmprolong.config.groups import groups
from mmprolong.config.overrides import assigned
from mmprolong.errors import InvalidSettings, Problem, nearest
from mmprolong.plugins import Choice
from mmprolong.settings.knobs import Config

Kind = TypeVar("Kind")
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""pydantic's settings of the outermost dataclass; those in it take them over."""


def decode(plain: Mapping[str, Any], kind: type[Kind], above: str = "") -> Kind:
    """Return `plain` as `kind`, a dataclass.

    Args:
        above: key of `plain`.

    Raises:
        InvalidSettings: keys are unknown or missing, values have other types or are out of their limits.
    """
    problems = list(_unquoted(plain, above))
    if problems:
        raise InvalidSettings(*problems)
    try:
        # as JSON: from Python, the strict mode takes instances of the dataclasses alone
        return _adapter(kind).validate_json(json.dumps(plain, default=str))
    except ValidationError as error:
        raise InvalidSettings(*(_problem(each, kind, above) for each in error.errors(include_url=False))) from error


def plugin_problems(settings: Any, key: str = "") -> Iterator[Problem]:
    """Yield the problems of the plug-ins that settings choose, and of their options."""
    for entry in fields(settings):
        value, where = getattr(settings, entry.name), _joined(key, entry.name)
        for choice in (value if isinstance(value, list) else [value]) if "plugin" in entry.metadata else ():
            try:
                plugins.make(entry.metadata["plugin"], choice, where)
            except InvalidSettings as error:
                yield from error.problems
        named = {f"{where}.{name}": each for name, each in value.items()} if isinstance(value, dict) else {where: value}
        for name, each in named.items():
            if is_dataclass(each):
                yield from plugin_problems(each, name)


def _unquoted(node: Any, key: str) -> Iterator[Problem]:
    """Yield names that YAML reads as numbers, dates or truth values: `on`, `no`, 2024."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if not isinstance(name, str):
                yield Problem(key, f"the name {name!r} is no text; put it in quotes")
            yield from _unquoted(value, _joined(key, name))


def _problem(error: ErrorDetails, kind: type, above: str) -> Problem:
    parent, inner, key = None, kind, above
    for part in error["loc"]:
        if isinstance(inner, UnionType):  # what follows names one of its members, no key
            break
        parent, inner, key = inner, _type_within(inner, part), _joined(key, part)
    if error["type"] == "unexpected_keyword_argument":
        return Problem(key, _unknown(key, parent))
    if error["type"] == "missing":
        return Problem(key, "missing; give a value")
    return Problem(key, _should(key, error, inner))


def _type_within(kind: Any, part: str | int) -> Any:
    """Return the type of what a block, mapping or list of type `kind` holds under `part`; None if there is none."""
    if is_dataclass(kind):
        return _hints(kind).get(str(part))
    inner = {dict: 1, list: 0}.get(get_origin(kind) or kind)
    return get_args(kind)[inner] if inner is not None else None


def _unknown(key: str, parent: Any) -> str:
    choices = groups() if parent is Config else {}
    if key in choices:
        header = f"a file of {key} begins with a line `# @package KEY` (or `_global_`)"
        return f"no block of settings; choose {key}=NAME: {', '.join(choices[key])}; {header}"
    return f"unknown; {nearest(key.rpartition('.')[2], [*_hints(parent), *choices])}"


def _should(key: str, error: ErrorDetails, kind: Any) -> str:
    found, says = error["input"], error["msg"].removeprefix("Input ")
    if kind == Choice:
        return f"{found!r}; should be a name, or {{name: ..., **options}}"
    if error["type"] == "int_type" and isinstance(found, float) and found.is_integer():
        says += f": write {int(found):_}"
    elif error["type"] == "string_type" and isinstance(found, int | float):
        says += f': write it in quotes, "{assigned(key, str(found))}"'
    elif error["type"] == "literal_error" and isinstance(found, str):
        allowed = error.get("ctx", {})["expected"].replace(" or ", ", ").split(", ")
        says = nearest(found, [name.strip("'") for name in allowed])
    return f"{found!r}; {says}"


def _joined(key: str, part: object) -> str:
    return f"{key}.{part}".lstrip(".")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(with_config(_STRICT)(kind))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
