"""Find where a value was set: an override, or a file and its line. Runs only once a value is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from mmprolong.config.groups import shown
from mmprolong.config.overrides import is_choice, key_of
from mmprolong.errors import Problem

Files = Sequence[tuple[Path, str]]
"""The merged files, in order, and the key below which each sets values."""


def located(problem: Problem, overrides: Sequence[str], files: Callable[[], Files]) -> Problem:
    """Return `problem` with the last override or file that set its key; as it is where none did."""
    if problem.where or not problem.key:
        return problem
    found = (f"override {text!r}" for text in reversed(overrides) if _touches(text, problem.key))
    return replace(problem, where=next(found, "") or _in_files(problem.key, files()))


def _touches(override: str, key: str) -> bool:
    """Tell whether an override sets a value, a part of it or what it is in; a choice sets its group alone."""
    own = key_of(override)
    if is_choice(override):
        return own == key
    return f"{key}.".startswith(f"{own}.") or own.startswith(f"{key}.")


def _in_files(key: str, files: Files) -> str:
    for file, package in reversed(files):
        if f"{key}.".startswith(f"{package}." if package else ""):
            line = line_of(file, key.removeprefix(package).lstrip("."))
            if line:
                return f"{shown(file)}:{line}"
    return ""


def line_of(file: Path, key: str) -> int:
    """Return the line, from 1, in which a file sets a key; 0 where it does not."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):  # who composes the file says what is wrong with it
        return 0
    line = 0
    while key and isinstance(node, yaml.MappingNode | yaml.SequenceNode):
        if isinstance(node, yaml.MappingNode):
            inner = [(str(name.value), name.start_mark.line, value) for name, value in node.value]
        else:
            inner = [(str(at), value.start_mark.line, value) for at, value in enumerate(node.value)]
        name, line, node = next((each for each in inner if f"{key}.".startswith(f"{each[0]}.")), ("", 0, None))
        key = key[len(name) + 1 :] if node else key
    return line + 1 if node and not key else 0
