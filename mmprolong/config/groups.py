"""Files that a user can choose by name: those of the package and the user's own."""

import codecs
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mmprolong.errors import ConfigError, InvalidSettings, Problem, nearest

ABLATION = "ablation"
ABLATIONS, TABLES, FIGURES = f"sweeps/{ABLATION}", "analysis/tables", "analysis/figures"
CLAIMS, PUBLISHED = "analysis/claims", "analysis/published"
PARTS = ("conf", "sweeps", "analysis")
_ENDINGS = {TABLES: ".py", FIGURES: ".py", PUBLISHED: ".csv"}
"""Endings by folder; files of all others end in .yaml."""
OPTION = "--config-dir"
CONFIG_DIR = "MMPROLONG_CONFIG_DIR"
"""Environment variable that names the folder of the user's own files, laid out as the package's; empty: none."""


def root(part: str) -> Path:
    """Return the folder `conf`, `sweeps` or `analysis`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parents[1]
    return package / part if (package / part).is_dir() else package.parent / part


def groups() -> dict[str, list[str]]:
    """Return the choices by group; `ablation` is one of the groups."""
    folders = sorted(place.partition("/")[2] for place in _places() if not place.startswith("analysis/"))
    return {group: list(files_in(folder_of(group))) for group in folders}


def ablations() -> list[str]:
    """Return the names of all ablation files."""
    return list(files_in(ABLATIONS))


def folder_of(group: str) -> str:
    """Return the folder of a group: `conf/rope`."""
    return ABLATIONS if group == ABLATION else f"conf/{group}"


def files_in(place: str) -> dict[str, Path]:
    """Return the files of a folder such as `conf/rope` by name, the package's and the user's own.

    Raises:
        ConfigError: as in `own_files`.
    """
    return dict(_files_in(place, own_folder()))


def named(place: str, name: str, key: str) -> Path:
    """Return the file of a folder that is called `name`.

    Args:
        key: what the user calls it; begins the error message.

    Raises:
        InvalidSettings: there is none; names the nearest.
    """
    files = files_in(place)
    if name not in files:
        raise InvalidSettings(Problem(key, f"{name!r} is unknown; {nearest(name, files)}; {elsewhere()}"))
    return files[name]


def elsewhere() -> str:
    """Return the end of a message about a name that is not found: where else files may lie."""
    folder = own_folder()
    return f"looked in {folder}, too" if folder else f"files of your own: {OPTION} DIR"


def search_folders() -> list[Path]:
    """Return the folders in which Hydra looks for files, the package's first."""
    own = own_folder()
    mine = [own / part for part in ("conf", "sweeps")] if own else []
    return [root("conf"), root("sweeps"), *(folder for folder in mine if folder.is_dir())]


def own_folder() -> Path | None:
    """Return the folder of the user's own files; None where the environment names none."""
    folder = os.environ.get(CONFIG_DIR)
    return Path(folder).expanduser().absolute() if folder else None


def own_option(before: str = "") -> list[str]:
    """Return the words of a command that name the folder of the user's own files; none where there is none.

    Args:
        before: where it was, if none is named now.
    """
    folder = own_folder() or before
    return [OPTION, str(folder)] if folder else []


@contextmanager
def config_dir(folder: str) -> Iterator[None]:
    """Take the user's own files from `folder` for as long as this lasts.

    Raises:
        ConfigError: as in `own_files`.
    """
    before = os.environ.get(CONFIG_DIR, "")
    os.environ[CONFIG_DIR] = folder
    try:
        own_files()
        yield
    finally:
        os.environ[CONFIG_DIR] = before


def own_files() -> Mapping[str, Path]:
    """Return the user's own files by their names below the folder, such as `conf/rope/mine.yaml`.

    Raises:
        ConfigError: there is no such folder or nothing in it; a file has a name of the package's, or begins with a
            byte-order mark.
    """
    return _own_files(own_folder())


@cache
def _own_files(folder: Path | None) -> dict[str, Path]:
    files: dict[str, Path] = {}
    if not folder:
        return files
    for place in _places():
        for path in sorted((folder / place).glob(f"*{_ending(place)}")):
            part, _, below = f"{place}/{path.name}".partition("/")
            if (root(part) / below).exists():
                raise ConfigError(f"{path}: the package has a file of this name, {root(part) / below}; rename yours")
            if path.read_bytes().startswith(codecs.BOM_UTF8):  # it would hide the line `# @package`
                raise ConfigError(f"{path}: begins with a byte-order mark; save it as UTF-8 without one")
            files[f"{part}/{below}"] = path
    if not files:
        where, do = f"{OPTION} (or {CONFIG_DIR}): {str(folder)!r}", "give a folder laid out as ours"
        raise ConfigError(f"{where} has no file that is read; {do}: {', '.join(_places())}")
    return files


@cache
def _files_in(place: str, own: Path | None) -> dict[str, Path]:
    part, _, folder = place.partition("/")
    mine = (path for name, path in _own_files(own).items() if name.startswith(f"{place}/"))
    files = (*(root(part) / folder).glob(f"*{_ending(place)}"), *mine)
    kept = (path for path in files if path.suffix == _ending(place) and not path.name.startswith("_"))
    return {path.stem: path for path in sorted(kept, key=lambda path: path.stem)}


@cache
def _places() -> tuple[str, ...]:
    """Return the package's folders in which files are looked for by name."""
    folders = (folder for part in PARTS for folder in root(part).iterdir() if folder.is_dir())
    return tuple(sorted(f"{each.parent.name}/{each.name}" for each in folders if not each.name.startswith((".", "__"))))


def _ending(place: str) -> str:
    return _ENDINGS.get(place, ".yaml")
