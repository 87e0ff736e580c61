"""From overrides to a typed, checked configuration."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mmprolong.config.consistency import DEFAULT, inconsistent, reads_pool
from mmprolong.config.decode import decode, plugin_problems
from mmprolong.config.hydra_compose import apply, composed, resolved
from mmprolong.config.overrides import SWEEP, choices, is_choice, key_of, locating
from mmprolong.corpus.hash_cache import benchmarks_digest, pool_digest
from mmprolong.corpus.pool import locate
from mmprolong.errors import InvalidSettings
from mmprolong.settings.knobs import Config

_SEED = "seed"


class Composer:
    """Composes many runs that share most of their choices: Hydra is asked once for each set of choices."""

    def __init__(self) -> None:
        self._composed = cache(composed)
        self._pool = cache(lambda path, store: pool_digest(locate(path), Path(store)))
        self._benchmarks = cache(lambda folders, store: benchmarks_digest(dict(folders), Path(store)))
        self._last: tuple[tuple[str, ...], DictConfig] | None = None
        """The last run's overrides without its seed, and their composition."""

    def compose(self, overrides: Sequence[str]) -> Config:
        """Return the configuration that `overrides` describe. Later overrides of one value win; no pool is read.

        Raises:
            ConfigError: an override or a file is malformed, names a group, choice or key that does not exist, or sets
                what cannot be; says what set it.
        """
        with locating(overrides):
            config = decode(self._plain(overrides), Config)
            problems = [*plugin_problems(config), *inconsistent(config)]
            if problems:
                raise InvalidSettings(*problems)
        return config

    def frozen(self, overrides: Sequence[str]) -> Config:
        """Return the configuration with the digest of the pool that it names, if the run reads it.

        Raises:
            ConfigError: as in `compose`; or the pool does not exist or holds no PDF.
        """
        config = self.compose(overrides)
        if not reads_pool(config):
            return config
        with locating(overrides):
            store, folders = config.paths.store, tuple(sorted(config.selection.benchmarks.items()))
            config.corpus.digest = self._pool(config.corpus.path, store)
            config.selection.benchmarks_digest = self._benchmarks(folders, store)
        return config

    def chosen_value(self, overrides: Sequence[str], key: str) -> Any:
        """Return the value of `key` as the files of the chosen groups have it; None where they have none."""
        return OmegaConf.select(self._files(overrides), key, throw_on_resolution_failure=False)

    def _plain(self, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the plain values; runs that differ in their seed alone are set up once."""
        rest = tuple(text for text in overrides if key_of(text) != _SEED)
        seeds = [text for text in overrides if key_of(text) == _SEED]
        if not seeds or self._last is None or self._last[0] != rest:
            config = deepcopy(self._files(rest))
            apply(config, (text for text in rest if not is_choice(text) and key_of(text).partition(".")[0] != SWEEP))
            config.pop(SWEEP, None)
            self._last = rest, config
        apply(self._last[1], seeds)
        return _at_home(_inherited(resolved(self._last[1])))

    def _files(self, overrides: Sequence[str]) -> DictConfig:
        """Return the files' composition, which is not to be changed."""
        return self._composed(choices(overrides))


def _inherited(plain: dict[str, Any]) -> dict[str, Any]:
    """Complete the job of a stage by the default job, and that of a plug-in by its stage's."""
    match plain:
        case {"cluster": {"jobs": {**jobs}} as cluster} if all(isinstance(job, dict) for job in jobs.values()):
            common, stages = jobs.get(DEFAULT, {}), {name: str(name).partition(".")[0] for name in jobs}
            full = {name: {**common, **jobs.get(stages[name], {}), **jobs[name]} for name in stages}
            return {**plain, "cluster": {**cluster, "jobs": full}}
    return plain


def _at_home(value: Any) -> Any:
    """Replace a leading `~/` of every text by the user's home: no shell does it behind a key or in YAML."""
    match value:
        case str():
            return str(Path(value).expanduser()) if f"{value}/".startswith("~/") else value
        case dict():
            return {key: _at_home(each) for key, each in value.items()}
        case list():
            return [_at_home(each) for each in value]
    return value
