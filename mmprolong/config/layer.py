"""A YAML file as one layer of a configuration: which keys it sets, and in which line."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mmprolong.config.groups import shown
from mmprolong.errors import Keys

_PACKAGE = re.compile(r"\s*# @package ([\w.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a file sets a value."""

    file: Path
    line: int
    """From 1."""
    value: str = ""
    """As it is written; empty for blocks and lists."""

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Layer:
    """A file whose values begin below a key."""

    file: Path
    package: Keys = ()

    def find(self, keys: Keys) -> Setting | None:
        """Where the file sets `keys`, something in it, or what it is in; None if it does not."""
        tree = _tree(self.file)
        if tree is None or any(mine != theirs for mine, theirs in zip(self.package, keys, strict=False)):
            return None
        node, line = tree, tree.start_mark.line
        for key in keys[len(self.package) :]:
            inner = next((step for step in _steps(node) if step[0] == str(key)), None)
            if inner is None and isinstance(node, yaml.MappingNode):
                return None
            if inner is None:
                break
            _, line, node = inner
        return Setting(self.file, line + 1, node.value if isinstance(node, yaml.ScalarNode) else "")

    def choosing(self, name: str) -> Setting | None:
        """Where the file's own list of defaults has `name`."""
        tree = _tree(self.file)
        lists = (node for key, _, node in _steps(tree) if key == "defaults") if tree else ()
        found = (node for each in lists for node in _scalars(each) if node.value == name)
        return next((Setting(self.file, node.start_mark.line + 1, name) for node in found), None)


def package_of(group: str, text: str) -> Keys | None:
    """The key below which a file's values begin; None if only Hydra can say."""
    header = _PACKAGE.match(text)
    if "@package" in text and not header:
        return None
    package = header[1] if header else group.replace("/", ".") or "_global_"
    return () if package == "_global_" else tuple(package.split("."))


@cache
def _tree(file: Path) -> yaml.Node | None:
    """None where there is no file, or nothing in it."""
    try:
        return yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):  # who composes the file says what is wrong with it
        return None


def _steps(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """Key or place, line from 0, and node of everything that is in a node; of equal keys the one that counts first."""
    if isinstance(node, yaml.MappingNode):
        with suppress(yaml.YAMLError):  # as above
            _MERGED.flatten_mapping(node)  # `<<: *anchor`
        yield from ((str(key.value), key.start_mark.line, value) for key, value in reversed(node.value))
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(at), item.start_mark.line, item) for at, item in enumerate(node.value))


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    for _, _, inner in _steps(node):
        yield from _scalars(inner)


_MERGED: Any = yaml.SafeLoader("")
