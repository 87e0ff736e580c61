"""Overrides: choices from groups, and values that are set after all files."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mmprolong.config.groups import groups
from mmprolong.config.keys import DEFAULT, JOBS, SWEEP, assigned, key_of
from mmprolong.config.schema import unknown
from mmprolong.errors import Missing, Wrong, WrongValues, first_line, nearest, together
from mmprolong.settings.stages import STAGES

_NAMED = ("phases", JOBS)
"""Blocks of blocks, which files name."""
QUOTES = "'\""


def chosen(overrides: Iterable[str]) -> list[str]:
    """The choices among `overrides`, the last of each group, as Hydra reads them: `8_2` is no number."""
    last = {key_of(text): text for text in overrides if key_of(text) in groups()}
    parts = (text.partition("=") for text in last.values())
    return [f"{group}='{name.strip(QUOTES)}'" for group, _, name in parts]


def values(overrides: Iterable[str]) -> list[Override]:
    """Those of `overrides` that set values.

    Raises:
        WrongValues: overrides, choices too, are malformed.
    """
    parsed = together(_parsed, overrides)
    return [override for override in parsed if override.key_or_group not in groups()]


def assign(plain: dict[str, Any], override: Override) -> None:
    """Set the value of `override` in a composition.

    Raises:
        WrongValues: there is no such key.
    """
    *above, last = override.key_or_group.split(".")
    if above[:1] == [SWEEP]:
        _assign_sweep(plain, above[1:], last, override)
        return
    node = plain
    for depth, part in enumerate(above):
        block = ".".join(above[:depth])
        if part not in node:
            _require(override.key_or_group)
            allowed = {*node, *STAGES} if block == JOBS else node
            if block in _NAMED and part not in STAGES:
                raise WrongValues(Missing(f"{block}.{part}", f"unknown; {nearest(part, allowed)}"))
            node[part] = {}
        if not isinstance(node[part], dict):
            raise WrongValues(Wrong(".".join(above[: depth + 1]), f"{node[part]!r}; it is a block of keys"))
        node = node[part]
    value = deepcopy(override.value())
    if last not in node or isinstance(value, dict):
        together(_require, _named(override.key_or_group, value))
    node[last] = value


def inherit(plain: dict[str, Any]) -> None:
    """Let every stage ask for what all jobs do until it says more."""
    jobs = plain["cluster"]["jobs"]
    common = jobs.get(DEFAULT) if isinstance(jobs, dict) else None
    if isinstance(common, dict):
        jobs |= {stage: {**deepcopy(common), **job} for stage, job in jobs.items() if isinstance(job, dict)}


@cache
def _parsed(text: str) -> Override:
    """Parsed once: points repeat most of their overrides. A value that is set somewhere is set as a copy."""
    try:
        override = OverridesParser.create().parse_overrides([text])[0]
    except HydraException as error:
        says = f"{first_line(error)}; write key=value, group=choice or +ablation=name"
        value = text.partition("=")[2]
        if value:
            says = f'{value!r} cannot be read; if it is a text, put it in quotes: "{assigned(key_of(text), value)}"'
        raise WrongValues(Wrong(key_of(text), says)) from error
    if override.is_delete() or override.is_sweep_override() or override.package is not None:
        raise WrongValues(Wrong(key_of(text), "only key=value; axes belong into an ablation file"))
    return override


def _assign_sweep(plain: dict[str, Any], above: Sequence[str], last: str, override: Override) -> None:
    """The block of the ablation is checked as a whole when it is parsed."""
    node = plain[SWEEP]
    for part in above:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        block = ".".join((SWEEP, *above))
        says = f"the ablation has no block {block}; write the whole of it, +{block}=..."
        raise WrongValues(Wrong(override.key_or_group, says if plain[SWEEP] else "no ablation; add +ablation=NAME"))
    node[last] = deepcopy(override.value())


def _named(key: str, value: Any) -> Iterator[str]:
    """The keys that a value sets: its own, or those of the values in it."""
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _named(f"{key}.{name}", one)
    else:
        yield key


def _require(key: str) -> None:
    wrong = unknown(key)
    if wrong is not None:
        raise WrongValues(wrong)
