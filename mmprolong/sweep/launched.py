"""How an ablation was launched on a cluster, so that a retry asks for the same."""

from collections.abc import Sequence

from mmprolong.artifacts import Store, read_json, write_json
from mmprolong.compose import Composer
from mmprolong.config import Config
from mmprolong.errors import ConfigError
from mmprolong.sweep.freeze import launches

_FILE = "launch.json"
_KEPT = ("cluster", "tracking")


def remember(store: Store, ablation: str, overrides: Sequence[str]) -> None:
    """Keep those of the overrides that say where and how steps run."""
    kept = [text for text in overrides if _group(text) in _KEPT]
    folder = launches(store, ablation)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _FILE, {"overrides": kept})


def recall(store: Store, ablation: str, overrides: Sequence[str]) -> Config:
    """The cluster and tracking of the last launch, changed by `overrides`; all else is at its default.

    Raises:
        ConfigError: it was not launched on a cluster, or an override says what a step is.
    """
    path = launches(store, ablation) / _FILE
    if not path.exists():
        raise ConfigError(f"{ablation}: was not launched on a cluster; the same sweep command runs failed steps again")
    for text in overrides:
        if _group(text) not in _KEPT:
            raise ConfigError(f"override {text!r}: a retry changes only {' and '.join(_KEPT)}; run the sweep again")
    return Composer().compose([*read_json(path)["overrides"], *overrides])[0]


def _group(override: str) -> str:
    return override.lstrip("+").partition("=")[0].partition(".")[0]
