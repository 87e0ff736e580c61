"""From command-line overrides to a typed, checked configuration; each error says who set what is wrong."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from mmprolong.checks import check
from mmprolong.choices import ABLATION
from mmprolong.config import Config
from mmprolong.corpus.pool import locate, pool_digest
from mmprolong.errors import ConfigError, Keys, WrongValues, together
from mmprolong.files import composed, layers, wanted
from mmprolong.keys import SWEEP, in_order, key_of
from mmprolong.layer import Layer
from mmprolong.origin import Origins
from mmprolong.overrides import assign, chosen, values
from mmprolong.references import resolved
from mmprolong.typed import typed
from mmprolong.variants import Composition, derived

NOTHING: Mapping[str, Keys] = MappingProxyType({})


class Composer:
    """Composes many runs that share most of their choices: Hydra is asked only for what the files do not say."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, ...], bytes] = {}
        self._known: dict[tuple[str, ...], Composition] = {}
        """By choices: what Hydra composed, or what it was derived from."""
        self.asked: dict[tuple[str, ...], list[Composition]] = defaultdict(list)
        """What Hydra composed, by the choices that were added to the defaults: those of an ablation."""

    def compose(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> tuple[Config, dict[str, Any]]:
        """The configuration that `overrides` describe, and the ablation's `sweep` block (empty without one).

        Later overrides of one value win. Nothing is read from the pool.

        Args:
            written: by override, if the ablation sets it: the key of its block under which it is written.

        Raises:
            ConfigError: an override or a file is malformed, names a group, choice or key that does not exist, or sets
                what cannot be. All that is wrong is said at once, with what set it.
        """
        with self.placing(overrides, written):
            plain, block = self._merged(overrides)
            return check(typed(plain, Config)), block

    def frozen(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Config:
        """The configuration, with what it refers to by name: the content of the pool.

        Raises:
            ConfigError: as in `compose`; or the pool does not exist or holds no PDF.
        """
        with self.placing(overrides, written):
            return freeze(self.compose(overrides, written)[0])

    def sweep_block(self, overrides: Sequence[str]) -> Any:
        """The `sweep` block alone: what is not set by a row need not be a run."""
        with self.placing(overrides):
            return self._merged(overrides)[1]

    @contextmanager
    def placing(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Iterator[None]:
        """Let errors say what set the values that they are about."""
        try:
            yield
        except WrongValues as error:
            raise WrongValues(*map(self.origins(overrides, written).placed, error.wrong)) from error

    def origins(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Origins:
        """Where the values of a configuration come from."""
        return Origins(partial(self._layers, chosen(overrides)), in_order(overrides), written)

    def _merged(self, overrides: Sequence[str]) -> tuple[dict[str, Any], Any]:
        changes, choices = values(overrides), chosen(overrides)
        key = tuple(choices)
        if key not in self._plain:
            self._known[key], plain = self._compose(choices)
            self._plain[key] = msgspec.json.encode(plain)
        plain = msgspec.json.decode(self._plain[key])
        together(partial(assign, plain), changes)
        block = plain.pop(SWEEP, None) or {}
        return resolved(plain), block

    def _compose(self, choices: Sequence[str]) -> tuple[Composition, dict[str, Any]]:
        """What the files of a set of choices say together, after what Hydra composed of these or others."""
        names = wanted(choices)
        asked = self.asked[_added(choices)]
        for known in asked:
            plain = derived(known, names)
            if plain is not None and _fits(plain):
                return known, plain
        asked.append(composed(choices))
        return asked[-1], asked[-1].plain

    def _layers(self, choices: Sequence[str], keys: Keys) -> list[Layer]:
        """The files that may set a key. What writes a row can be told even if the row cannot be composed."""
        known = self._known.get(tuple(choices))
        if known is not None:
            return layers(known, wanted(choices))
        if keys[0] != SWEEP:
            return []
        ablation = [choice for choice in choices if key_of(choice) == ABLATION]
        asked = self.asked.get(tuple(ablation))
        return layers(asked[0] if asked else composed(ablation), {})


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


@cache
def _digest(path: str, store: str) -> str:
    return pool_digest(locate(path), Path(store) / "pools.json")


def _added(choices: Sequence[str]) -> tuple[str, ...]:
    return tuple(choice for choice in choices if choice.startswith("+"))


def _fits(plain: dict[str, Any]) -> bool:
    """Whether all values have their types; those that have not, Hydra may convert."""
    try:
        typed(resolved({key: value for key, value in plain.items() if key != SWEEP}), Config)
    except ConfigError:
        return False
    return True
