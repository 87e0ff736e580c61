"""Plain values as the types that they are to have."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from mmprolong.errors import Keys, Wrong, WrongValues

Kind = TypeVar("Kind")


def typed(plain: Any, kind: type[Kind], *keys: str) -> Kind:
    """`plain` as `kind`; what else it holds is left out.

    Args:
        keys: of `plain`.

    Raises:
        WrongValues: values have other types.
    """
    try:
        return msgspec.convert(plain, type=kind)
    except msgspec.ValidationError as error:
        raise WrongValues(*_mistyped(plain, kind, keys)) from error


def _mistyped(value: Any, kind: Any, keys: Keys) -> Iterator[Wrong]:
    """The innermost values that have not their types: the decoder stops at the first, and names no key of a mapping."""
    try:
        msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        says = str(error).partition(" - at `")[0]
        found = f"{value!r}; {says}"
        if isinstance(value, dict):
            names = [name for name in value if not isinstance(name, str)]
            found = f"{names[0]!r} is no text; put the name in quotes" if names else says
        key = ".".join(part for part in keys if isinstance(part, str))
        inner = [wrong for part in _parts(value, kind, keys) for wrong in _mistyped(*part)]
        yield from inner or [Wrong(key, found, at=keys)]


def _parts(value: Any, kind: Any, keys: Keys) -> Iterator[tuple[Any, Any, Keys]]:
    """The values of a block, mapping or list, their types and their keys."""
    if isinstance(value, dict) and is_dataclass(kind):
        types = get_type_hints(kind)
        yield from ((one, types[name], (*keys, name)) for name, one in value.items() if name in types)
    elif isinstance(value, dict) and get_origin(kind) is dict:
        yield from ((one, get_args(kind)[1], (*keys, name)) for name, one in value.items())
    elif isinstance(value, list) and get_origin(kind) is list:
        yield from ((one, get_args(kind)[0], (*keys, at)) for at, one in enumerate(value))
