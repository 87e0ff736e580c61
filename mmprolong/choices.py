"""What a user can choose from: the groups in conf/ and the ablations in sweeps/, by their file names."""

from functools import cache
from pathlib import Path

ABLATION = "ablation"


def root(name: str) -> Path:
    """The folder `conf`, `sweeps` or `analysis`: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    return package / name if (package / name).is_dir() else package.parent / name


def ablations() -> list[str]:
    """Names of all ablation files."""
    return sorted(path.stem for path in (root("sweeps") / ABLATION).glob("*.yaml"))


@cache
def groups() -> dict[str, list[str]]:
    """Choices by group; `ablation` is one of the groups."""
    folders = [folder for folder in root("conf").iterdir() if folder.is_dir()] + [root("sweeps") / ABLATION]
    return {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in sorted(folders)}
