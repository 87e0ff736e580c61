"""From command-line overrides to a typed, checked configuration; each error says who set what is wrong."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from mmprolong.config.blame import blameless, follows
from mmprolong.config.consistency import check
from mmprolong.config.decode import typed
from mmprolong.config.groups import ABLATION
from mmprolong.config.hydra_compose import composed, layers, wanted
from mmprolong.config.keys import SWEEP, key_of
from mmprolong.config.layer import Layer
from mmprolong.config.overrides import assign, chosen, inherit, values
from mmprolong.config.provenance import Origins
from mmprolong.config.ranges import out_of_range
from mmprolong.config.references import resolved
from mmprolong.config.variants import Composition, derived
from mmprolong.corpus.manifest import pool_digest
from mmprolong.corpus.pool import locate
from mmprolong.errors import ConfigError, Keys, Wrong, WrongValues, refuse, together
from mmprolong.settings.knobs import Config

NOTHING: Mapping[str, Keys] = MappingProxyType({})


class Composer:
    """Composes many runs that share most of their choices: Hydra is asked only for what the files do not say."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, ...], bytes] = {}
        self._known: dict[tuple[str, ...], Composition] = {}
        """By choices: what Hydra composed, or what it was derived from."""
        self._refused: dict[tuple[str, ...], Sequence[Wrong]] = {}
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
        try:
            with self.placing(overrides, written):
                plain, block = self._merged(overrides)
                return check(typed(resolved(plain), Config)), block
        except WrongValues as error:
            raise WrongValues(*error.wrong, *self._besides(overrides, written, error.wrong)) from error

    def frozen(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Config:
        """The configuration, with what it refers to by name: the content of the pool.

        Raises:
            ConfigError: as in `compose`; or the pool does not exist or holds no PDF.
        """
        with self.placing(overrides, written):
            return freeze(self.compose(overrides, written)[0])

    def sweep_block(self, overrides: Sequence[str]) -> Any:
        """The `sweep` block alone: what is wrong besides, the rows will say; without them it need not be a run."""
        try:
            return self._merged(overrides)[1]
        except WrongValues:
            own = [text for text in overrides if key_of(text).partition(".")[0] in (ABLATION, SWEEP)]
            with self.placing(own):
                return self._merged(own)[1]

    @contextmanager
    def placing(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Iterator[None]:
        """Let errors say what set the values that they are about."""
        try:
            yield
        except WrongValues as error:
            raise WrongValues(*map(self.origins(overrides, written).placed, error.wrong)) from error

    def origins(self, overrides: Sequence[str], written: Mapping[str, Keys] = NOTHING) -> Origins:
        """Where the values of a configuration come from."""
        return Origins(partial(self._layers, chosen(overrides)), overrides, written)

    def _merged(self, overrides: Sequence[str]) -> tuple[dict[str, Any], Any]:
        changes, choices = values(overrides), chosen(overrides)
        plain = msgspec.json.decode(self._encoded(tuple(choices)))
        together(partial(assign, plain), changes)
        inherit(plain)
        block = plain.pop(SWEEP, None) or {}
        return plain, block

    def varied(self, keys: Iterable[str], rows: Iterable[Sequence[str]]) -> list[str]:
        """Those of `keys` to which the choices of rows give different values; one that is wrong does not count."""
        sets = {tuple(chosen(overrides)) for overrides in rows}
        plains = [msgspec.json.decode(self._plain[choices]) for choices in sets if choices in self._plain]
        return [key for key in keys if any(_at(plain, key) != _at(plains[0], key) for plain in plains[1:])]

    def _encoded(self, choices: tuple[str, ...]) -> bytes:
        """What the files say together. Where they are wrong, Hydra is not asked a second time."""
        if choices in self._refused:
            raise WrongValues(*self._refused[choices])
        if choices not in self._plain:
            try:
                self._known[choices], plain = self._compose(choices)
            except WrongValues as error:
                self._refused[choices] = error.wrong
                raise
            self._plain[choices] = msgspec.json.encode(plain)
        return self._plain[choices]

    def _besides(
        self, overrides: Sequence[str], written: Mapping[str, Keys], wrong: Sequence[Wrong]
    ) -> Sequence[Wrong]:
        """What is wrong with the overrides of which `wrong` says nothing; what must fit together is not looked at."""
        rest = blameless(overrides, wrong)
        if len(rest) in (0, len(overrides)):
            return []
        try:
            with self.placing(rest, written):
                refuse(out_of_range(typed(resolved(self._merged(rest)[0]), Config)))
            return []
        except WrongValues as error:
            more = [one for one in error.wrong if one not in wrong and not follows(one, wrong)]
            return [*more, *self._besides(rest, written, [*wrong, *error.wrong])]

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
    return pool_digest(locate(path), Path(store))


def _at(plain: Any, key: str) -> Any:
    """The value of a key; None where there is none."""
    for part in key.split("."):
        plain = plain.get(part) if isinstance(plain, dict) else None
    return plain


def _added(choices: Sequence[str]) -> tuple[str, ...]:
    return tuple(choice for choice in choices if choice.startswith("+"))


def _fits(plain: dict[str, Any]) -> bool:
    """Whether all values have their types; those that have not, Hydra may convert."""
    try:
        typed(resolved({key: value for key, value in plain.items() if key != SWEEP}), Config)
    except ConfigError:
        return False
    return True
