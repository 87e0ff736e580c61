"""From command-line overrides to a typed, checked configuration. Hydra composes; nothing else of Hydra is used."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mmprolong.checks import check
from mmprolong.choices import config_files, groups, named, place, root, searched
from mmprolong.config import Config
from mmprolong.corpus.pool import locate, pool_digest
from mmprolong.errors import ConfigError, nearest
from mmprolong.settings import STAGES
from mmprolong.variants import Composition, derived

SWEEP = "sweep"
_JOBS = "cluster.jobs"
_REFERENCE = re.compile(r"\$\{[\w.]+\}")


class Composer:
    """Composes many runs that share most of their choices: Hydra is asked only for what the files do not say."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, ...], bytes] = {}
        self.asked: dict[tuple[str, ...], list[Composition]] = defaultdict(list)
        """What Hydra composed, by the choices that were added to the defaults: those of an ablation."""

    def compose(self, overrides: Sequence[str]) -> tuple[Config, dict[str, Any]]:
        """The configuration that `overrides` describe, and the ablation's `sweep` block (empty without one).

        Later overrides of one value win. Nothing is read from the pool.

        Raises:
            ConfigError: an override is malformed, or names a group, choice or key that does not exist.
        """
        plain, block = self._merged(overrides)
        return check(_typed(plain)), block

    def sweep_block(self, overrides: Sequence[str]) -> Any:
        """The `sweep` block alone: what is not set by a row need not be a run."""
        return self._merged(overrides)[1]

    def _merged(self, overrides: Sequence[str]) -> tuple[dict[str, Any], Any]:
        choices, values = _split(overrides)
        key = tuple(choices)
        if key not in self._plain:
            self._plain[key] = msgspec.json.encode(self._compose(choices))
        plain = msgspec.json.decode(self._plain[key])
        for override in values:
            _set(plain, override)
        block = plain.pop(SWEEP, None) or {}
        return _resolved(plain, plain), block

    def _compose(self, choices: Sequence[str]) -> dict[str, Any]:
        """What the files of a set of choices say together."""
        wanted = dict(map(_checked, choices))
        asked = self.asked[tuple(choice for choice in choices if choice.startswith("+"))]
        for known in asked:
            plain = derived(known, wanted)
            if plain is not None and _fits(plain):
                return plain
        asked.append(_hydra(choices))
        return asked[-1].plain


def freeze(config: Config) -> Config:
    """Fill in what the configuration refers to by name: the content of the pool.

    Raises:
        ConfigError: the pool does not exist or holds no PDF.
    """
    config.corpus.digest = _digest(config.corpus.path, config.paths.store)
    return config


def to_json(config: Config) -> dict[str, Any]:
    """A frozen configuration as plain JSON."""
    return msgspec.to_builtins(config)


def from_json(plain: dict[str, Any]) -> Config:
    """The inverse of `to_json`."""
    return msgspec.convert(plain, type=Config)


@cache
def _digest(path: str, store: str) -> str:
    return pool_digest(locate(path), Path(store) / "pools.json")


def _split(overrides: Sequence[str]) -> tuple[list[str], list[Override]]:
    """Overrides that choose from groups, as text, and those that set values."""
    choices: dict[str, Override] = {}
    values: list[Override] = []
    for override in map(_parsed, overrides):
        if override.is_delete() or override.is_sweep_override():
            text = override.input_line
            raise ConfigError(f"override {text!r}: only key=value; axes belong into an ablation file")
        if override.key_or_group in groups():
            choices[override.key_or_group] = override
        else:
            values.append(override)
    values.sort(key=lambda override: not override.key_or_group.startswith(f"{_JOBS}.default."))
    return [_quoted(str(override.input_line)) for override in choices.values()], values


@cache
def _parsed(text: str) -> Override:
    """Parsed once: points repeat most of their overrides. A value that is set somewhere is set as a copy."""
    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except HydraException as error:
        raise ConfigError(f"override: {_first_line(error)}; write key=value, group=choice or +ablation=name") from error


def _quoted(choice: str) -> str:
    """A choice as text: Hydra would read `8_2` as the number 82."""
    group, _, name = choice.partition("=")
    return f"{group}='{name}'"


def _hydra(choices: Sequence[str]) -> Composition:
    overrides = [f"hydra.searchpath={searched()}", *choices]
    try:
        with _session():
            composed = hydra_compose("config", overrides=overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise _wrong_file(error) from error
    except YAMLError as error:
        raise ConfigError(f"conf: {' '.join(str(error).split())}") from error
    except ValueError as error:  # Hydra lets the decoder's own error through, and has some without a type
        where = _not_text() if isinstance(error, UnicodeDecodeError) else "conf"
        raise ConfigError(f"{where}: {error}") from error
    with open_dict(composed):
        chosen = composed.pop("hydra").runtime.choices
    plain: Any = OmegaConf.to_container(composed, resolve=False, enum_to_str=True)
    made = {group: name for group, name in chosen.items() if not group.startswith("hydra/")}
    return Composition(made, plain, frozenset(_checked(choice)[0] for choice in choices))


def _checked(choice: str) -> tuple[str, str]:
    """Group and name of a choice that exists."""
    group, _, name = choice.lstrip("+~").replace("'", "").partition("=")
    named(place(group), name, group)
    return group, name


def _fits(plain: dict[str, Any]) -> bool:
    """Whether all values have their types; of those that have not, Hydra knows the file."""
    try:
        _typed(_resolved({key: value for key, value in plain.items() if key != SWEEP}, plain))
    except ConfigError:
        return False
    return True


@contextmanager
def _session() -> Iterator[None]:
    ConfigStore.instance().store("schema", Config)
    with initialize_config_dir(str(root("conf")), version_base="1.3"):
        yield


def _set(plain: dict[str, Any], override: Override) -> None:
    text = override.input_line or override.key_or_group
    *above, last = override.key_or_group.split(".")
    if above[:1] == [SWEEP]:
        _set_sweep(plain, above[1:], last, override)
        return
    node = plain
    for depth, part in enumerate(above):
        if part in STAGES and ".".join(above[:depth]) == _JOBS:  # a stage asks for what others do until it says more
            node.setdefault(part, deepcopy(node.get("default", {})))
        if not isinstance(node.get(part), dict):
            _require_key(override.key_or_group, f"override {text!r}")
            raise ConfigError(f"override {text!r}: {'.'.join(above[: depth + 1])} is unknown; {nearest(part, node)}")
        node = node[part]
    if last not in node:
        _require_key(override.key_or_group, f"override {text!r}")
    node[last] = deepcopy(override.value())


def _set_sweep(plain: dict[str, Any], above: list[str], last: str, override: Override) -> None:
    """The block of the ablation is checked as a whole when it is parsed."""
    node = plain[SWEEP]
    for part in above:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise ConfigError(f"override {override.input_line!r}: the ablation has no such block; add +ablation=NAME")
    node[last] = deepcopy(override.value())


def _require_key(key: str, where: str) -> None:
    """Refuse a key that the schema does not know, naming the nearest of its siblings or groups."""
    node: Any = OmegaConf.structured(Config)
    walked: list[str] = []
    for part in key.split("."):
        if not isinstance(node, DictConfig):
            raise ConfigError(f"{where}: {'.'.join(walked)} has no parts")
        typed = OmegaConf.is_dict(node) and OmegaConf.get_type(node) is dict
        if typed:
            element = node._metadata.element_type
            node = (
                OmegaConf.structured(element)
                if isinstance(element, type) and element not in (float, int, str)
                else None
            )
        elif part in node:
            node = node[part]
        elif not walked and part in groups():
            raise ConfigError(f"{where}: {part} is a group; choose {part}=NAME: {', '.join(groups()[part])}")
        else:
            allowed = [str(name) for name in node] + (list(groups()) if not walked else [])
            raise ConfigError(f"{where}: {'.'.join([*walked, part])} is unknown; {nearest(part, allowed)}")
        walked.append(part)


def _resolved(node: Any, root: dict[str, Any]) -> Any:
    """`${key}` replaced by the value of that key: the only interpolation in our files."""
    if isinstance(node, dict):
        return {key: _resolved(value, root) for key, value in node.items()}
    if isinstance(node, list):
        return [_resolved(value, root) for value in node]
    if isinstance(node, str) and "${" in node:
        if not _REFERENCE.fullmatch(node):
            raise ConfigError(f"conf: {node!r}: only a whole value can stand for another; write ${{KEY}} alone")
        value: Any = root
        for part in node[2:-1].split("."):
            if not isinstance(value, dict) or part not in value:
                raise ConfigError(f"conf: {node} names no value")
            value = value[part]
        return value
    return node


def _typed(plain: dict[str, Any]) -> Config:
    """The last check of every value's type; names of keys were checked when they were merged into the schema or set."""
    try:
        return msgspec.convert(plain, type=Config)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        raise ConfigError(f"{where.rstrip('`') or 'configuration'}: {message}") from error


def _wrong_file(error: Exception) -> ConfigError:
    """What Hydra says of a file: where, which key, what is allowed."""
    lines = [line.strip() for line in str(error).splitlines()]
    file = re.match(r"In '(.+)':", lines[0])
    if file is None:
        return ConfigError(f"conf: {_first_line(error)}")
    key = next((line.removeprefix("full_key: ") for line in lines if line.startswith("full_key: ")), "")
    where, group = f"{file[1]}.yaml", file[1].partition("/")[0]
    if not key:
        return ConfigError(f"{where}: {' '.join(lines[1:2])}; write keys and their values")
    if key == group:
        header = "`# @package ...`"
        return ConfigError(
            f"{where}: {key} is no block of values; begin with a line {header} as other files of {group}"
        )
    try:
        _require_key(key, where)
    except ConfigError as unknown:
        return unknown
    return ConfigError(f"{where}: {key}: {lines[1]}")


def _not_text() -> str:
    """The first of our files that is not UTF-8."""
    for path in sorted(config_files()):
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return str(path)
    return ""


def _first_line(error: BaseException) -> str:
    """The innermost cause says what is wrong; Hydra's own first line only where."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0]
