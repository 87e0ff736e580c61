"""What a step runs in: commit, packages, machine. Recorded beside every result."""

import os
import platform
import subprocess
from collections import Counter
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mmprolong.store.store import read_json

FROZEN = "code.json"
"""Beside a copy of the package that was made for queued jobs: which commit it is."""
_PACKAGES = ("mmprolong", "torch", "transformers", "numpy", "pymupdf", "pypdfium2", "safetensors")
_DRIVERS = Path("/proc/driver/nvidia/gpus")


@cache
def code_version() -> str:
    """Git commit of the package's tree, `+` if it was changed; the version where there is no git."""
    root = Path(__file__).parents[2]
    if (root / FROZEN).exists():
        return read_json(root / FROZEN)["commit"]
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if not head:
        return packages()["mmprolong"]
    return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def hardware(drivers: Path = _DRIVERS) -> str:
    """The machine of this process, its GPUs too: 'x86_64 x64 Linux 6.1; 8 x NVIDIA H100 80GB HBM3'.

    Args:
        drivers: where the driver of NVIDIA lists its cards, a folder each.
    """
    machine = f"{platform.machine()} x{os.cpu_count()} {platform.system()} {platform.release()}"
    lines = (line for path in drivers.glob("*/information") for line in path.read_text().splitlines())
    cards = Counter(line.partition(":")[2].strip() for line in lines if line.startswith("Model:"))
    return "; ".join([machine, *(f"{count} x {card}" for card, count in sorted(cards.items()))])


@cache
def packages() -> dict[str, str]:
    """Versions of the packages that a number may depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
