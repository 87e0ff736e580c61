"""`${KEY}` stands for the value of that key: the only interpolation in our files."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mmprolong.errors import Keys, Wrong, WrongValues

_REFERENCE = re.compile(r"\$\{[\w.]+\}")


def target(value: object) -> Keys:
    """The key whose value `value` stands for; empty if it stands for itself."""
    whole = isinstance(value, str) and _REFERENCE.fullmatch(value)
    return tuple(whole[0][2:-1].split(".")) if whole else ()


def resolved(plain: dict[str, Any]) -> dict[str, Any]:
    """`plain` with every reference replaced.

    Raises:
        WrongValues: a reference names no value, another reference, or is a part of a value.
    """
    try:
        return _replaced(plain, plain)
    except LookupError as error:
        raise WrongValues(*_wrong(plain, plain, ())) from error


def _replaced(node: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(value, root) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, root) for value in node]
    return _value(node, root) if isinstance(node, str) and "${" in node else node


def _value(reference: str, root: Mapping[str, Any]) -> Any:
    """
    Raises:
        LookupError: says why there is none.
    """
    keys = target(reference)
    if not keys:
        raise LookupError(f"{reference!r}; only a whole value can stand for another: write ${{KEY}} alone")
    value: Any = root
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise LookupError(f"{reference} names no value; write the key of one")
        value = value[key]
    if isinstance(value, str) and "${" in value:
        raise LookupError(f"{reference} is {value} itself; write that one")
    return value


def _wrong(node: Any, root: Mapping[str, Any], keys: Keys) -> Iterator[Wrong]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _wrong(value, root, (*keys, key))
    elif isinstance(node, str) and "${" in node:
        try:
            _value(node, root)
        except LookupError as error:
            yield Wrong(".".join(key for key in keys if isinstance(key, str)), str(error.args[0]), at=keys)
