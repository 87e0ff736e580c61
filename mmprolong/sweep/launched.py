"""How an ablation was launched on a cluster, so that a retry asks for the same and runs the same."""

import shlex
from collections.abc import Sequence

from mmprolong.artifacts import Store, read_json, write_json
from mmprolong.compose import Composer
from mmprolong.config import Config
from mmprolong.errors import ConfigError
from mmprolong.plans import Plan
from mmprolong.sweep.freeze import launches
from mmprolong.sweep.plan import make_plan

_FILE = "launch.json"
_KEPT = ("cluster", "tracking")


def remember(store: Store, ablation: str, overrides: Sequence[str]) -> None:
    """Keep the overrides that the sweep was launched with."""
    folder = launches(store, ablation)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _FILE, {"overrides": list(overrides)})


def launched(store: Store, ablation: str) -> list[str]:
    """The overrides of the last launch and of the retries since then.

    Raises:
        ConfigError: it was not launched on a cluster.
    """
    path = launches(store, ablation) / _FILE
    if not path.exists():
        raise ConfigError(f"{ablation}: was not launched on a cluster; the same sweep command runs failed steps again")
    return read_json(path)["overrides"]


def recall(store: Store, ablation: str, overrides: Sequence[str]) -> Config:
    """The cluster and tracking of the last launch, changed by `overrides`; all else is at its default.

    Raises:
        ConfigError: it was not launched on a cluster, or an override says what a step is.
    """
    for text in overrides:
        if _group(text) not in _KEPT:
            raise ConfigError(f"override {text!r}: a retry changes only {' and '.join(_KEPT)}; run the sweep again")
    kept = [text for text in launched(store, ablation) if _group(text) in _KEPT]
    return Composer().compose([*kept, *overrides])[0]


def require_current(store: Store, plan: Plan) -> None:
    """Refuse a plan that the same command would not make today: its steps would run under names that are not theirs.

    Raises:
        ConfigError: gives the command that plans anew.
    """
    overrides = launched(store, plan.ablation)
    today, _ = make_plan([*overrides, f"paths.store={store.root}"])
    changed = sum(name not in today.steps for name in plan.steps) + sum(name not in plan.steps for name in today.steps)
    if changed:
        found = f"{changed} steps differ between its plan and what the code and its file say today"
        again = shlex.join(["python", "-m", "mmprolong.sweep", *overrides])
        raise ConfigError(f"{plan.ablation}: {found}; launch it again, finished steps stay: {again}")


def _group(override: str) -> str:
    return override.lstrip("+").partition("=")[0].partition(".")[0]
