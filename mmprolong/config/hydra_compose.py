"""The files of conf/ and sweeps/ as Hydra composes them; nothing else of Hydra is used."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

from mmprolong.config.groups import DEFAULTS, config_file, named, place, root, searched
from mmprolong.config.keys import DEFAULT, JOBS
from mmprolong.config.layer import Layer, package_of
from mmprolong.config.variants import Composition
from mmprolong.config.wrong_files import HYDRAS, refusal
from mmprolong.errors import Keys, together
from mmprolong.settings.knobs import Config


def composed(choices: Sequence[str]) -> Composition:
    """What the files of a set of choices say together.

    Raises:
        ConfigError: a choice does not fit the defaults, or a file is wrong; names file, line and key.
    """
    try:
        with _session():
            made = compose(DEFAULTS, overrides=_overrides(choices), return_hydra_config=True)
    except HYDRAS as error:
        raise refusal(error, choices) from error
    with open_dict(made):
        chosen = made.pop("hydra").runtime.choices
    plain: Any = OmegaConf.to_container(made, resolve=False, enum_to_str=True)
    ours = {group: name for group, name in chosen.items() if not group.startswith("hydra/")}
    made = Composition(ours, plain, tuple(choices))
    _leave_out_unset(made)
    return made


def wanted(choices: Sequence[str]) -> dict[str, str]:
    """The names that are chosen, by group.

    Raises:
        WrongValues: a group has no such choice.
    """
    return dict(together(_checked, choices))


def layers(known: Composition, wanted: Mapping[str, str]) -> list[Layer]:
    """The files of a composition in the order in which they were merged.

    Args:
        wanted: the choices of the composition; where it was derived from `known`, files of equal keys take the place of
            each other.
    """
    found = (_layer(known, wanted, path, package) for path, package in _order(tuple(_overrides(known.overrides))))
    return [layer for layer in found if layer]


def _leave_out_unset(made: Composition) -> None:
    """Take from what a stage asks for what no file says: the schema's defaults would hide what all jobs ask for."""
    jobs = made.plain["cluster"]["jobs"]
    found = layers(made, {}) if jobs.keys() - {DEFAULT} else []
    for stage in jobs.keys() - {DEFAULT}:
        keys = (*JOBS.split("."), stage)
        jobs[stage] = {
            name: one for name, one in jobs[stage].items() if any(each.find((*keys, name)) for each in found)
        }


def _layer(known: Composition, wanted: Mapping[str, str], path: str, package: Keys) -> Layer | None:
    """None if the values are not in one of our files: the schema's."""
    group, _, name = path.rpartition("/")
    other = wanted.get(group, name) if known.choices.get(group) == name else name
    file = config_file(f"{group}/{other}".lstrip("/"))
    if file is None or other == name:
        return Layer(file, package) if file else None
    return Layer(file, package_of(group, file.read_text(encoding="utf-8")) or ())


@cache
def _order(overrides: Sequence[str]) -> list[tuple[str, Keys]]:
    """Path and package of every file that Hydra merges."""
    with _session():
        loader = GlobalHydra.instance().config_loader()
        merged = loader.compute_defaults_list(DEFAULTS, list(overrides), RunMode.RUN).defaults
    found = ((str(each.config_path), str(each.package or "")) for each in merged)
    return [(path, tuple(package.split(".")) if package else ()) for path, package in found]


def _overrides(choices: Sequence[str]) -> list[str]:
    return [f"hydra.searchpath={searched()}", *choices]


def _checked(choice: str) -> tuple[str, str]:
    group, _, name = choice.lstrip("+").replace("'", "").partition("=")
    named(place(group), name, group)
    return group, name


@contextmanager
def _session() -> Iterator[None]:
    ConfigStore.instance().store("schema", Config)
    with initialize_config_dir(str(root("conf")), version_base="1.3"):
        yield
