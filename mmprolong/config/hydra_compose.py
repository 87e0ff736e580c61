"""Files of conf/ and sweeps/ as Hydra composes them, and the values that are set after them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from mmprolong.config.groups import groups, search_folders
from mmprolong.config.overrides import assigned, key_of, value_of
from mmprolong.errors import ConfigError, InvalidSettings, Problem, nearest
from mmprolong.settings.knobs import Config

_RAISED = (HydraException, OmegaConfBaseException, YAMLError, ValueError, OSError)
"""Errors that Hydra raises: it lets other libraries' errors through, and has some without a type."""
_FORM = "not an override; write key=value, group=choice, ~key or +ablation=NAME"


def composed(chosen: Sequence[str]) -> DictConfig:
    """Return the composition of the files of a set of choices.

    Raises:
        ConfigError: a file is wrong; names it.
    """
    ConfigStore.instance().store("schema", asdict(Config()))
    folder, *others = map(str, search_folders())
    quoted = ("'file://" + each.replace("'", r"\'") + "'" for each in others)
    search = f"hydra.searchpath=[{','.join(quoted)}]"
    try:
        with initialize_config_dir(folder, version_base="1.3"):
            config = compose("config", overrides=[search, *chosen])
    except _RAISED as error:
        raise ConfigError(_told(error)) from error
    OmegaConf.set_struct(config, False)
    return config


def apply(config: DictConfig, overrides: Iterable[str]) -> None:
    """Set, add and remove values as Hydra does; the key of a new one needs no + before it.

    Raises:
        InvalidSettings: overrides cannot be read, or remove what is not there; all of them.
    """
    problems: list[Problem] = []
    for text in overrides:
        try:
            override = _parsed(text)
            above, _, last = override.key_or_group.rpartition(".")
            if override.is_delete():
                del (OmegaConf.select(config, above) if above else config)[last]
            else:
                OmegaConf.update(config, override.key_or_group, override.value(), merge=True, force_add=True)
        except InvalidSettings as error:
            problems += error.problems
        except (OmegaConfBaseException, TypeError) as error:  # the second of what has no parts
            problems.append(Problem(key_of(text), f"{_last_words(error)}; write the key of a value that is there"))
    if problems:
        raise InvalidSettings(*problems)


def resolved(config: DictConfig) -> Any:
    """Return the plain values, with the value of KEY in place of each `${KEY}`.

    Raises:
        InvalidSettings: a KEY has no value.
    """
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        key = (error.full_key or "").replace("[", ".").replace("]", "")
        raise InvalidSettings(Problem(key, f"{_last_words(error)}; write the key of a value")) from error


@cache
def _parsed(text: str) -> Override:
    quoted = assigned(key_of(text), value_of(text))
    try:
        override = OverridesParser.create().parse_overrides([text])[0]
    except HydraException as error:
        says = f'{value_of(text)!r} cannot be read; if it is a text, put it in quotes: "{quoted}"'
        raise InvalidSettings(Problem(key_of(text), says if value_of(text) else _FORM)) from error
    if override.is_sweep_override():
        says = f'{value_of(text)!r} is several values; put a text in quotes, "{quoted}", several runs into an ablation'
        raise InvalidSettings(Problem(key_of(text), says))
    if override.package is not None or not override.key_or_group:
        raise InvalidSettings(Problem(key_of(text), _FORM))
    return override


def _told(error: Exception) -> str:
    """Return file and line, as far as they are known, and the error."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"{error.problem_mark.name}:{error.problem_mark.line + 1}: {error.problem}; mend the YAML"
    named = re.match(r"In '(.+?)': (?:Could not \w+ '(?:(.+)/)?(.+)'|)", str(error))
    file = _file(named[1]) if named else None
    says = _last_words(error).removeprefix(f"In '{named[1]}': " if named else "")
    if named and named[2] in groups():
        says = f"{named[3]!r} is unknown; {nearest(named[3], groups()[named[2]])}"
    return f"{file or 'a file of conf'}: {says}"


def _file(path: str) -> Path | None:
    """Return the file that Hydra calls `path`, such as `rope/base_x4`; None if it is none of ours."""
    return next((file for folder in search_folders() if (file := folder / f"{path}.yaml").is_file()), None)


def _last_words(error: BaseException) -> str:
    """Return the line of the innermost cause that describes the error."""
    while error.__cause__ is not None:
        error = error.__cause__
    first, *more = [*str(error).strip().splitlines(), ""]
    return more[0] if first.endswith(":") else first
