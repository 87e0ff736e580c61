"""What a user can choose from, by file names: what the package ships, and the user's own files beside it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath

from mmprolong.errors import ConfigError, Wrong, WrongValues, nearest

ABLATION = "ablation"
DEFAULTS = "config"
"""The file of no group, which names the defaults."""
ABLATIONS, TABLES, FIGURES = f"sweeps/{ABLATION}", "analysis/tables", "analysis/figures"
CLAIMS, PUBLISHED = "analysis/claims", "analysis/published"
OPTION = "--config-dir"
CONFIG_DIR = "MMPROLONG_CONFIG_DIR"
"""Environment variable that names the folder of the user's own files, which is laid out as ours; empty: none."""
PARTS = ("conf", "sweeps", "analysis")
_ENDINGS = {TABLES: ".py", FIGURES: ".py", PUBLISHED: ".csv"}
"""By folder; files of all others end in .yaml."""
_READ = {".yaml", ".yml", ".py", ".csv"}
"""Endings of files that somebody meant to be read."""


def root(name: str) -> Path:
    """The folder `conf`, `sweeps` or `analysis`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parents[1]
    return package / name if (package / name).is_dir() else package.parent / name


def own_folder() -> Path | None:
    """Where the user's own files lie; None where the environment names no folder."""
    named = os.environ.get(CONFIG_DIR)
    return Path(named).expanduser().absolute() if named else None


def own_option(before: str = "") -> list[str]:
    """The words of a command that name the folder of the user's own files; none where there is none.

    Args:
        before: where it was, if none is named now.
    """
    folder = own_folder() or before
    return [OPTION, str(folder)] if folder else []


@contextmanager
def config_dir(folder: str) -> Iterator[None]:
    """Take the user's own files from `folder` for as long as this lasts; empty: from where the environment says.

    Raises:
        ConfigError: as in `own_files`.
    """
    before = os.environ.get(CONFIG_DIR, "")
    os.environ[CONFIG_DIR] = folder or before
    try:
        if folder:
            own_files()
        yield
    finally:
        os.environ[CONFIG_DIR] = before


def own_files() -> Mapping[str, Path]:
    """The user's own files by their names below the folder, such as `conf/rope/mine.yaml`.

    Raises:
        ConfigError: there is no such folder or nothing in it, a file lies where none is read, or it is called as ours.
    """
    folder = own_folder()
    return _own_files(folder) if folder else {}


def files_in(place: str) -> dict[str, Path]:
    """The files of a folder such as `conf/rope` by their names, ours and the user's own.

    Raises:
        ConfigError: as in `own_files`.
    """
    return dict(_files_in(place, own_folder()))


def named(place: str, name: str, kind: str) -> Path:
    """The file of a folder that is called `name`.

    Args:
        kind: what the user calls it; begins the error message.

    Raises:
        WrongValues: there is none; names the nearest.
    """
    files = _files_in(place, own_folder())
    if name not in files:
        raise WrongValues(Wrong(kind, f"{name!r} is unknown; {nearest(name, files)}; {elsewhere()}"))
    return files[name]


def elsewhere() -> str:
    """What is said besides of a name that is not found."""
    folder = own_folder()
    return f"looked in {folder}, too" if folder else f"files of your own: {OPTION} DIR"


def ablations() -> list[str]:
    """Names of all ablation files."""
    return list(files_in(ABLATIONS))


def groups() -> dict[str, list[str]]:
    """Choices by group; `ablation` is one of the groups."""
    return _groups(own_folder())


def place(group: str) -> str:
    """The folder of a group: `conf/rope`."""
    return ABLATIONS if group == ABLATION else f"conf/{group}"


def config_files() -> list[Path]:
    """All that is composed from."""
    chosen = [path for group in groups() for path in files_in(place(group)).values()]
    return [root("conf") / f"{DEFAULTS}.yaml", *chosen]


def config_file(path: str) -> Path | None:
    """The file that Hydra calls `path`, such as `rope/base_x4`; None where it is not one of these."""
    group, _, name = path.rpartition("/")
    if path == DEFAULTS:
        return root("conf") / f"{DEFAULTS}.yaml"
    return files_in(place(group)).get(name) if group in groups() else None


def shown(path: Path) -> str:
    """`path` as it is opened from the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def searched() -> str:
    """The folders in which Hydra looks besides `conf`, as it wants them written."""
    own = own_folder()
    folders = [root("sweeps"), *(own / part for part in ("conf", "sweeps") if own and (own / part).is_dir())]
    escaped = [str(folder).replace("'", r"\'") for folder in folders]
    return "[" + ",".join(f"'file://{folder}'" for folder in escaped) + "]"


@cache
def _groups(own: Path | None) -> dict[str, list[str]]:
    folders = sorted(PurePosixPath(each).name for each in _places() if each.startswith(("conf/", "sweeps/")))
    return {group: list(_files_in(place(group), own)) for group in folders}


@cache
def _files_in(place: str, own: Path | None) -> dict[str, Path]:
    part, _, folder = place.partition("/")
    ours = (root(part) / folder).glob(f"*{_ending(place)}")
    users = (path for name, path in (_own_files(own) if own else {}).items() if name.startswith(f"{place}/"))
    files = (path for path in (*ours, *users) if path.suffix == _ending(place) and not path.name.startswith("_"))
    return {path.stem: path for path in sorted(files, key=lambda path: path.stem)}


def _ending(place: str) -> str:
    return _ENDINGS.get(place, ".yaml")


@cache
def _places() -> tuple[str, ...]:
    """Our folders, in which files are looked for by name."""
    folders = (folder for part in PARTS for folder in root(part).iterdir() if folder.is_dir())
    return tuple(sorted(f"{each.parent.name}/{each.name}" for each in folders if not _hidden(each)))


@cache
def _own_files(folder: Path) -> dict[str, Path]:
    paths = [path for part in PARTS for path in _below(folder / part) if path.is_file()]
    inner = ((path, path.relative_to(folder)) for path in paths)
    files = {name.as_posix(): path for path, name in inner if not any(map(_hidden, (name, *name.parents)))}
    if not files:
        lacks = "holds nothing" if folder.is_dir() else "is no folder"
        where = f"{OPTION} (or {CONFIG_DIR}): {str(folder)!r}"
        raise ConfigError(f"{where} {lacks}; give one with files in conf/, sweeps/ or analysis/, laid out as ours")
    for name, path in files.items():
        if path.suffix in _READ:
            _check(PurePosixPath(name), path)
    return files


def _below(part: Path) -> list[Path]:
    """All that is in a folder, links to folders of files too, which `rglob` does not follow."""
    return sorted({*part.rglob("*"), *part.glob("*/*")})


def _hidden(path: Path) -> bool:
    """What editors and Python leave."""
    return path.name.startswith((".", "__"))


def _check(name: PurePosixPath, path: Path) -> None:
    """Refuse a file that nobody would find, or that would stand for one of ours."""
    part, place = name.parts[0], name.parent.as_posix()
    if place not in _places():
        known = [each for each in _places() if each.startswith(f"{part}/")]
        what = "group" if part == "conf" else "folder"
        raise ConfigError(
            f"{path}: {place!r} is no {what} of ours, and no new one can be made; {nearest(place, known)}"
        )
    if name.suffix != _ending(place):
        raise ConfigError(f"{path}: files in {place} end in {_ending(place)}; rename it")
    ours = root(part) / name.relative_to(part)
    if ours.exists():
        raise ConfigError(f"{path}: the package has a file of this name, {ours}; give yours another")
