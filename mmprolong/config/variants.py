"""A composition derived from another one whose choices differ: from the files alone, where they leave no doubt.

Hydra takes longer to compose one set of choices than to read all of our files. Where two files of a group set the same
keys, and no other chosen file sets any of them, exchanging the one for the other exchanges these values, no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mmprolong.config.groups import DEFAULTS, config_file
from mmprolong.config.keys import key_of
from mmprolong.config.layer import package_of
from mmprolong.errors import Keys


@dataclass(frozen=True, slots=True)
class Composition:
    """What Hydra made of a set of choices."""

    choices: Mapping[str, str]
    """By group, the defaults too."""
    plain: dict[str, Any]
    overrides: Sequence[str]
    """The choices that Hydra was asked for; of all other groups the choices are the defaults'."""


def derived(known: Composition, wanted: Mapping[str, str]) -> dict[str, Any] | None:
    """What the choices `wanted` compose to, all others being the defaults; None if only Hydra can tell."""
    if not {key_of(choice) for choice in known.overrides} <= wanted.keys():
        return None
    choices = {**known.choices, **wanted}
    plain = deepcopy(known.plain)
    defaults = _values("", DEFAULTS)
    for group, name in choices.items():
        before = known.choices.get(group)
        if name == before:
            continue
        old, new = _values(group, before), _values(group, name)
        others = [defaults, *(_values(*each) for each in choices.items() if each[0] != group)]
        alone = all(each and not _meet(old, each) for each in others)
        if not old or old.keys() != new.keys() or not alone or not _exchange(plain, old, new):
            return None
    return plain


def _values(group: str, name: str | None) -> dict[Keys, Any]:
    """What the file of a choice sets; empty if it sets nothing, or if only Hydra can say."""
    file = config_file(f"{group}/{name}".lstrip("/"))
    return _read(file, group) if file else {}


@cache
def _read(file: Path, group: str) -> dict[Keys, Any]:
    """What a file sets; empty if it sets nothing, or if only Hydra can say: it chooses from groups, or is damaged.

    Args:
        group: empty for the file that names the defaults.
    """
    try:
        text = file.read_text(encoding="utf-8")
        content = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (OSError, UnicodeDecodeError, YAMLError, OmegaConfBaseException, AssertionError):  # the last: it is a number
        return {}
    package = package_of(group, text)
    if not isinstance(content, dict) or (group and "defaults" in content) or package is None:
        return {}
    return dict(_leaves(content, package))


def _leaves(node: Any, above: Keys) -> Iterator[tuple[Keys, Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, (*above, str(key)))
    else:
        yield above, node


def _meet(one: Iterable[Keys], other: Iterable[Keys]) -> bool:
    """Whether a key of the one is a key of the other, above one or below one."""
    mine, theirs = set(one), set(other)
    return not (mine | theirs).isdisjoint(_above(mine) | _above(theirs)) or not mine.isdisjoint(theirs)


def _above(keys: Iterable[Keys]) -> set[Keys]:
    return {each[:length] for each in keys for length in range(1, len(each))}


def _exchange(plain: dict[str, Any], old: Mapping[Keys, Any], new: Mapping[Keys, Any]) -> bool:
    """Set the new values; False where a value is not what the old file says it is."""
    for keys, value in new.items():
        node: Any = plain
        for key in keys[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict) or keys[-1] not in node or node[keys[-1]] != old[keys]:
            return False
        node[keys[-1]] = deepcopy(value)
    return True
