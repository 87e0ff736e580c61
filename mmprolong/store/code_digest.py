"""Which code made a result: a digest of every source file that a stage uses.

A commit is both too much (a word in the README changes it) and too little (a changed tree has none). A stage uses the
modules that it imports, directly or not, and the plug-ins that its settings name; editing another stage, or adding a
plug-in, leaves its code as it was. Comments and docstrings do not count.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]
_CARRIERS = ("config", "pipeline", "runtime", "settings", "store")
"""Packages that carry values and compute none; so do the modules at the root."""


def code_of(module: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the files that a stage with these settings uses, by their names in the package.

    Files are read once a process, all at the first call: what is edited later is not what runs.

    Args:
        module: the stage's own module.
    """
    return dict(_code(module, frozenset(_texts(settings))))


@cache
def _code(module: str, words: frozenset[str]) -> dict[str, str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in _sources() and name not in found:
            found.add(name)
            waiting += _mentioned(name)
            waiting += (f"{plain}.{word}" for plain in _mentioned(name) for word in words)
    return {_sources()[name][0]: _digest(name) for name in sorted(found)}


def meaning(node: Any) -> Any:
    """A syntax tree without positions and docstrings, the same under every version of Python."""
    if isinstance(node, ast.AST):
        parts = ((name, meaning(part)) for name, part in ast.iter_fields(node) if part not in (None, []))
        return type(node).__name__, *parts
    if isinstance(node, list):
        return [meaning(each) for each in node if not _is_docstring(each)]
    return repr(node)


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _sources() -> dict[str, tuple[str, str]]:
    """File and text of every module of the package that computes, by its dotted name."""
    found: dict[str, tuple[str, str]] = {}
    for path in _PACKAGE.rglob("*.py"):
        file = path.relative_to(_PACKAGE)
        parts = file.with_suffix("").parts
        if len(file.parts) > 1 and file.parts[0] not in _CARRIERS:
            name = ".".join(("mmprolong", *(parts[:-1] if parts[-1] == "__init__" else parts)))
            found[name] = file.as_posix(), path.read_text(encoding="utf-8")
    return found


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_sources()[name][1])


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(repr(meaning(_tree(name))).encode()).hexdigest()[:12]


@cache
def _mentioned(name: str) -> frozenset[str]:
    """Dotted names in a module that may be modules, with all that they lie in."""
    named = (dotted for node in ast.walk(_tree(name)) for dotted in _names(node))
    return frozenset(part for dotted in named if dotted.startswith("mmprolong.") for part in _prefixes(dotted))


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (each.name for each in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield from (f"{module}.{each.name}" for each in names)
        case ast.Constant(value=str(text)):
            yield text


def _prefixes(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    return (".".join(parts[:end]) for end in range(2, len(parts) + 1))


def _texts(value: Any) -> Iterator[str]:
    """Every text in plain settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, (list, tuple)):
        yield from (text for inner in value for text in _texts(inner))
