"""From command-line overrides to a typed, checked configuration. Hydra composes; nothing else of Hydra is used."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mmprolong.config import Config
from mmprolong.corpus.pool import locate, pool_digest
from mmprolong.errors import ConfigError, nearest

SWEEP = "sweep"
ABLATION = "ablation"


def root(name: str) -> Path:
    """The folder `conf`, `sweeps` or `analysis`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    return package / name if (package / name).is_dir() else package.parent / name


def ablations() -> list[str]:
    """Names of all ablation files."""
    return sorted(path.stem for path in (root("sweeps") / ABLATION).glob("*.yaml"))


class Composer:
    """Composes many runs that share most of their choices: each set of group choices is composed once."""

    def __init__(self) -> None:
        self._composed: dict[tuple[str, ...], DictConfig] = {}

    def compose(self, overrides: Sequence[str]) -> tuple[Config, dict[str, Any]]:
        """The configuration that `overrides` describe, and the ablation's `sweep` block (empty without one).

        Later overrides of one value win. Execution fields are kept; nothing is read from the pool.

        Raises:
            ConfigError: an override is malformed, or names a group, choice or key that does not exist; with the nearest.
        """
        choices, values = _split(overrides)
        key = tuple(choices)
        if key not in self._composed:
            self._composed[key] = _hydra(choices)
        composed = self._composed[key].copy()
        for override in values:
            _set(composed, override)
        sweep = composed.get(SWEEP)
        composed[SWEEP] = None
        block: dict[str, Any] = OmegaConf.to_container(sweep, resolve=True) if sweep is not None else {}  # pyright: ignore[reportAssignmentType]
        return _typed(composed), block


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
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(f"override: {_first_line(error)}; write key=value, group=choice or +ablation=name") from error
    groups = _groups()
    choices: dict[str, Override] = {}
    values: list[Override] = []
    for override in parsed:
        if override.key_or_group in groups:
            choices[override.key_or_group] = override
        else:
            values.append(override)
    return [_quoted(str(override.input_line)) for override in choices.values()], values


def _quoted(choice: str) -> str:
    """A choice as text: Hydra would read `8_2` as the number 82."""
    group, _, name = choice.partition("=")
    return f"{group}='{name}'"


@cache
def _groups() -> dict[str, list[str]]:
    """Choices by group."""
    folders = [folder for folder in root("conf").iterdir() if folder.is_dir()] + [root("sweeps") / ABLATION]
    return {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}


def _hydra(choices: Sequence[str]) -> DictConfig:
    for choice in choices:
        _check_choice(choice)
    try:
        with _session():
            return hydra_compose("config", overrides=[f"hydra.searchpath=[file://{root('sweeps')}]", *choices])
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"conf: {_first_line(error)}") from error


def _check_choice(choice: str) -> None:
    group, _, name = choice.lstrip("+~").replace("'", "").partition("=")
    allowed = _groups()[group]
    if name not in allowed:
        raise ConfigError(f"{group}: {name!r} is unknown; {nearest(name, allowed)}")


@contextmanager
def _session() -> Iterator[None]:
    ConfigStore.instance().store("schema", Config)
    with initialize_config_dir(str(root("conf")), version_base="1.3"):
        yield


def _set(composed: DictConfig, override: Override) -> None:
    key = override.key_or_group
    if override.is_delete() or override.is_sweep_override():
        raise ConfigError(f"override {override.input_line!r}: only key=value; axes belong into an ablation file")
    if override.is_add() or OmegaConf.select(composed, key, default=None, throw_on_missing=False) is None:
        _require_key(key, override.input_line or key)
        _require_parent(composed, key, override.input_line or key)
    try:
        OmegaConf.update(composed, key, override.value(), force_add=override.is_add())
    except OmegaConfBaseException as error:
        raise ConfigError(f"override {override.input_line!r}: {_first_line(error)}") from error


def _require_key(key: str, text: str) -> None:
    """Refuse a key that the schema does not know, naming the nearest of its siblings or groups."""
    node: Any = OmegaConf.structured(Config)
    walked: list[str] = []
    for part in key.split("."):
        if not isinstance(node, DictConfig):
            raise ConfigError(f"override {text!r}: {'.'.join(walked)} has no parts")
        typed = OmegaConf.is_dict(node) and OmegaConf.get_type(node) is dict
        if typed:
            element = node._metadata.element_type
            node = OmegaConf.structured(element) if isinstance(element, type) and element not in (float, int, str) else None
        elif part in node:
            node = node[part]
        elif not walked and part in _groups():
            raise ConfigError(f"override {text!r}: {part} is a group; choose {part}=NAME: {', '.join(_groups()[part])}")
        else:
            allowed = [str(name) for name in node] + (list(_groups()) if not walked else [])
            raise ConfigError(f"override {text!r}: {'.'.join([*walked, part])} is unknown; {nearest(part, allowed)}")
        walked.append(part)


def _require_parent(composed: DictConfig, key: str, text: str) -> None:
    parent, _, _ = key.rpartition(".")
    while parent and OmegaConf.select(composed, parent, default=None) is None:
        above, _, part = parent.rpartition(".")
        node = OmegaConf.select(composed, above) if above else composed
        if node is not None:
            raise ConfigError(f"override {text!r}: {parent} is unknown; {nearest(part, map(str, node))}")
        parent = above


def _typed(composed: DictConfig) -> Config:
    """The second merge into the schema: what slipped past the first is an error here."""
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Config), composed)
        return OmegaConf.to_object(merged)  # pyright: ignore[reportReturnType]
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key or 'configuration'}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    """The innermost cause says what is wrong; Hydra's own first line only where."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0]
