"""Which code made a result: a digest of every source file that a stage uses.

A commit is both too much (a word in the README changes it) and too little (a changed tree has none). A stage uses the
modules that it imports, directly or not, and the plug-ins that its settings name; editing another stage, or adding a
plug-in, leaves its code as it was. Comments and docstrings do not count.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent
_CARRIERS = [
    "artifacts",
    "choices",
    "config",
    "errors",
    "failures",
    "fingerprint",
    "mirror",
    "plugins",
    "records",
    "runlog",
    "settings",
]
"""Modules that carry values and compute none: the values are in the ids, and a default never changes."""
_MENTION = re.compile(r"\bmmprolong(?:\.\w+)+")
_FROM = re.compile(r"^\s*from (mmprolong[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*|[()\[\]{}]',
    re.DOTALL,
)


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


def bare(source: str) -> str:
    """Python without comments, docstrings and blank lines."""
    kept, end, depth = [], 0, 0
    for token in _TOKEN.finditer(source):
        text = token.group()
        depth += (text in "([{") - (text in ")]}")
        if text.startswith("#") or (depth == 0 and text[:3] in ('"""', "'''") and _alone(source, *token.span())):
            kept.append(source[end : token.start()])
            end = token.end()
    lines = "".join([*kept, source[end:]]).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _alone(source: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the lines of a text: outside brackets it is then a statement without effect."""
    first = source.rfind("\n", 0, start) + 1
    after = source.find("\n", end)
    rest = source[end : after if after >= 0 else len(source)]
    return not source[first:start].strip() and not rest.strip() and source[max(first - 2, 0) : first] != "\\\n"


@cache
def _sources() -> dict[str, tuple[str, str]]:
    """File and text of every module of the package that computes, by its dotted name."""
    found: dict[str, tuple[str, str]] = {}
    for path in _PACKAGE.rglob("*.py"):
        file = path.relative_to(_PACKAGE)
        parts = file.with_suffix("").parts
        if len(file.parts) > 1 or file.stem not in ("__init__", *_CARRIERS):
            name = ".".join(("mmprolong", *(parts[:-1] if parts[-1] == "__init__" else parts)))
            found[name] = file.as_posix(), path.read_text(encoding="utf-8")
    return found


@cache
def _bare(name: str) -> str:
    return bare(_sources()[name][1])


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_bare(name).encode()).hexdigest()[:12]


@cache
def _mentioned(name: str) -> frozenset[str]:
    """Dotted names in a module that may be modules, with all that they lie in."""
    text = _bare(name)
    named = set(_MENTION.findall(text))
    named |= {f"{match[1]}.{word}" for match in _FROM.finditer(text) for word in re.findall(r"\w+", match[2])}
    return frozenset(part for dotted in named for part in _prefixes(dotted))


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
