"""Commit, code, packages and machine of a step: notes in its record. Versions alone decide what runs again."""

import ast
import hashlib
import os
import platform
import subprocess
from collections import Counter
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmprolong import __version__
from mmprolong.store.atomic import read_json

FROZEN = "code.json"
"""Name of the file with the commit, in a copy of the package that was made for queued jobs."""
_PACKAGES = ("torch", "transformers", "numpy", "pymupdf", "pypdfium2", "safetensors")
_PACKAGE = Path(__file__).parents[1]
_SHARED = ("images", "llm", "models")
"""Packages that compute for all stages."""
_DRIVERS = Path("/proc/driver/nvidia/gpus")


@cache
def code_version() -> str:
    """Return the git commit of the package's tree, `+` if it was changed; the version where there is no git."""
    frozen = _PACKAGE.parent / FROZEN
    if frozen.exists():
        return read_json(frozen)["commit"]
    ours = _git("ls-files", "--error-unmatch", "--", __file__)  # not a repository around an installed package
    if not ours:
        return __version__
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def _git(*words: str) -> str:
    """Return git's answer; empty where there is none.

    A repository that variables name is somebody else's.
    """
    command = ["git", "-C", str(_PACKAGE.parent), *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or "CONFIG" in name}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=kept, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no git, or a file system that does not answer
        return ""
    return "" if done.returncode else done.stdout.strip()


def hardware(drivers: Path = _DRIVERS) -> str:
    """Describe this machine, its GPUs too: 'x86_64 x64 Linux 6.1; 8 x NVIDIA H100 80GB HBM3'.

    Args:
        drivers: where the driver of NVIDIA lists its cards, a folder each.
    """
    machine = f"{platform.machine()} x{os.cpu_count()} {platform.system()} {platform.release()}"
    lines = (line for path in drivers.glob("*/information") for line in path.read_text().splitlines())
    cards = Counter(line.partition(":")[2].strip() for line in lines if line.startswith("Model:"))
    return "; ".join([machine, *(f"{count} x {card}" for card, count in sorted(cards.items()))])


@cache
def packages() -> dict[str, str]:
    """Return the versions of the packages that a number may depend on."""
    found = {"mmprolong": __version__}  # the metadata of an editable installation may be of an earlier one
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


@cache
def code_of(module: str) -> dict[str, str]:
    """Return the digests of a stage's own package and of the shared ones, by the files' names in `mmprolong`.

    Read once a process: what is edited later is not what runs. Comments and spacing do not count.

    Args:
        module: the stage's own module.
    """
    folders = sorted({module.split(".")[1], *_SHARED})
    paths = sorted(path for folder in folders for path in (_PACKAGE / folder).rglob("*.py"))
    return {path.relative_to(_PACKAGE).as_posix(): _digest(path) for path in paths}


@cache
def _digest(path: Path) -> str:
    code = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
    return hashlib.sha256(code.encode()).hexdigest()[:12]
