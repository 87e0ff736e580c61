"""The folder is the registry: a plug-in is one file, found by its name."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from mmprolong.errors import ConfigError, nearest


def names(folder: Path) -> list[str]:
    """Names of the plug-ins in `folder`: its Python files that do not begin with an underscore."""
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(package: str, name: str, kind: str) -> ModuleType:
    """The plug-in `name` of an importable package.

    Args:
        package: dotted name, for example `mmprolong.evaluation.scorers`.
        name: file name without its ending.
        kind: what the user calls it; begins the error message.

    Raises:
        ConfigError: there is no such file; names the nearest.
    """
    spec = importlib.util.find_spec(package)
    folder = Path(next(iter(spec.submodule_search_locations or []))) if spec else Path(package)
    _require(name, folder, kind)
    return importlib.import_module(f"{package}.{name}")


def load_file(path: Path, *needed: str) -> ModuleType:
    """The plug-in in a file that is not part of a package.

    Args:
        needed: names that it must define.

    Raises:
        ConfigError: it is no Python file, imports what is not there, or lacks a name.
    """
    qualified = f"mmprolong_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(qualified, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: cannot be imported; is it a Python file?")
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError) as error:
        raise ConfigError(f"{path}: {error}; mend it") from error
    missing = [name for name in needed if not hasattr(module, name)]
    if missing:
        raise ConfigError(f"{path}: does not define {missing[0]!r}; define it as the files of the package do")
    return module


def _require(name: str, folder: Path, kind: str) -> None:
    allowed = names(folder)
    if name not in allowed:
        raise ConfigError(f"{kind}: {name!r} is unknown; {nearest(name, allowed)}")
