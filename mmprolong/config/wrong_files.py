"""What is wrong with a file, from what Hydra, OmegaConf and YAML say of it: file, line, key, what is allowed."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from mmprolong.config.groups import config_file, config_files, groups, shown
from mmprolong.config.keys import key_of
from mmprolong.config.layer import Layer, package_of
from mmprolong.config.schema import unknown
from mmprolong.errors import Wrong, WrongValues, first_line, nearest

HYDRAS = (HydraException, OmegaConfBaseException, YAMLError, ValueError, OSError)
"""What Hydra raises: it lets other libraries' errors through, and has some without a type."""


def refusal(error: Exception, choices: Sequence[str]) -> WrongValues:
    """`error` as one of ours.

    Args:
        choices: that Hydra was asked for.
    """
    chosen = _choice(first_line(error), choices)
    if chosen:
        return WrongValues(chosen)
    named = re.match(r"In '(.+)': ", str(error))
    file = config_file(named[1]) if named else None
    if named and file:
        return WrongValues(_in_file(file, named[1].rpartition("/")[0], str(error)))
    file = next(_alike(error), None)
    where = _place(file, error) if file else "conf"
    return WrongValues(Wrong("", _told(error), where=where))


def _choice(says: str, choices: Sequence[str]) -> Wrong | None:
    """What is wrong with how a choice is added to the defaults."""
    named = re.match(r"Multiple values for (\w+)\.|Could not override '(\w+)'", says)
    group = named[1] or named[2] if named else ""
    name = next((choice.partition("=")[2].strip("'") for choice in choices if key_of(choice) == group), "")
    if not named or not name:
        return None
    does = "is chosen by default: write it without +," if named[1] else "is not chosen by default: add it with +,"
    return Wrong(group, f"{does} {'' if named[1] else '+'}{group}={name}")


def _in_file(file: Path, group: str, says: str) -> Wrong:
    """What Hydra says of a file that it names."""
    lines = [line.strip() for line in says.splitlines()]
    missing = re.search(r"Could not find '(?:(.+)/)?(.+)'", lines[0])
    if missing:
        allowed = groups().get(missing[1] or "", [])
        places = (
            Layer(each).choosing(missing[2]) for each in (file, *config_files())
        )  # another may override the choice
        where = str(next(filter(None, places), shown(file)))
        return Wrong(missing[1] or "", f"{missing[2]!r} is unknown; {nearest(missing[2], allowed)}", where=where)
    key = next((line.removeprefix("full_key: ") for line in lines if line.startswith("full_key: ")), "")
    if not key:
        found = [f"{line}; write keys and their values" for line in lines[1:2] if line]
        return Wrong("", found[0] if found else lines[0].partition("': ")[2], where=shown(file))
    if key == group:
        says = f"no block of values; begin with a line `# @package ...` as other files of {group}"
        return Wrong(key, says, where=shown(file))
    wrong = unknown(key) or Wrong(key, lines[1])
    layer = Layer(file, package_of(group, file.read_text(encoding="utf-8")) or ())
    place = layer.find(tuple(re.findall(r"[^.\[\]]+", wrong.key)))
    return Wrong(wrong.key, wrong.said, where=str(place or shown(file)))


def _alike(error: Exception) -> Iterator[Path]:
    """The files that, composed alone, are refused alike: those that choose no others come first, the defaults last."""
    defaults, *chosen = config_files()
    for file in (*sorted(chosen, key=lambda file: b"defaults:" in file.read_bytes()), defaults):
        folder = file.parent if file == defaults else file.parent.parent
        try:
            with initialize_config_dir(str(folder), version_base="1.3"):
                compose(file.relative_to(folder).with_suffix("").as_posix())
        except HYDRAS as own:
            if (type(own), first_line(own)) == (type(error), first_line(error)):
                yield file


def _place(file: Path, error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    key = re.search(r"full_key: (\S+)", str(error.__cause__))
    found = Layer(file).find(tuple(key[1].split("."))) if key else None
    return str(found or (f"{shown(file)}:{mark.line + 1}" if mark else shown(file)))


def _told(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError):
        return ", ".join(part for part in (error.context, error.problem) if part)
    return first_line(error)
