"""The frozen plan of a sweep: its points, their configurations and their steps."""

import shlex
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.config.groups import ablations, elsewhere, own_folder, own_option
from mmprolong.errors import ArtifactError, ConfigError, nearest
from mmprolong.pipeline.steps import Step
from mmprolong.settings.execution import Cluster, Tracking
from mmprolong.store.atomic import write_json
from mmprolong.store.store import Store

PLANS = "plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run of a sweep: an arm at a seed."""

    label: str
    seed: int
    config: dict[str, Any]
    """Complete configuration."""
    steps: dict[str, str]
    """Step ids by role: `corpus`, `mixture.<phase>`, `training.<phase>`, `score.<benchmark>`, ..."""

    @property
    def name(self) -> str:
        """Name for tables: 'uniform (seed 1)'."""
        return f"{self.label} (seed {self.seed})"

    @property
    def scores(self) -> dict[str, str]:
        """Id of the score step by benchmark."""
        return {role.partition(".")[2]: step for role, step in self.steps.items() if role.startswith("score.")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The question of a sweep, and the runs that answer it."""

    ablation: str
    question: str = ""
    source: str = ""
    """Paper and table with the published numbers."""
    baseline: str = ""
    """Label of the arm that the others are compared with."""
    published: str = ""
    """File in analysis/published."""
    table: str = ""
    """File in analysis/tables; empty: the table of arms by evaluated length."""
    subject: str = ""
    """Evaluated by `mmprolong evaluate SUBJECT`; empty: an ablation."""
    factor: tuple[str, ...] = ()
    """Keys of the settings in which the arms are to differ."""
    created: str = ""
    """UTC, ISO 8601."""
    code: str = ""
    """Git commit that planned the sweep."""
    overrides: tuple[str, ...] = ()
    """Overrides in the command of the launch."""
    config_dir: str = ""
    """Folder of the user's own files at the launch; empty: there were none."""
    points: tuple[Point, ...]
    steps: dict[str, Step] = field(default_factory=dict)
    """Steps by id, in an order in which they can run."""

    @property
    def labels(self) -> list[str]:
        """Labels of the arms, in the order of the plan."""
        return list(dict.fromkeys(point.label for point in self.points))

    @property
    def trained(self) -> str:
        """Longest length that training covers; empty if the arms differ in it."""
        found = {point.config["suite"].get("trained") or "" for point in self.points}
        return found.pop() if len(found) == 1 else ""

    @property
    def rows(self) -> dict[str, list[Point]]:
        """Points by label, in the order of the plan."""
        rows: dict[str, list[Point]] = {}
        for point in self.points:
            rows.setdefault(point.label, []).append(point)
        return rows

    @property
    def suite(self) -> dict[str, Any]:
        """Settings of the baseline's suite."""
        point = next((point for point in self.points if point.label == self.baseline), self.points[0])
        return point.config["suite"]

    @property
    def cluster(self) -> Cluster:
        """Cluster of the launch."""
        return msgspec.convert(self.points[0].config.get("cluster", {}) if self.points else {}, type=Cluster)

    @property
    def tracking(self) -> Tracking:
        """Tracking of the launch in Weights & Biases."""
        return msgspec.convert(self.points[0].config.get("tracking", {}), type=Tracking)

    def of(self, label: str) -> list[Point]:
        """Return the different runs of an arm; of seeds that change nothing, the first."""
        found: dict[tuple[str, ...], Point] = {}
        for point in self.rows.get(label, []):
            found.setdefault(tuple(point.scores.values()), point)
        return list(found.values())

    def descendants(self, steps: Set[str]) -> set[str]:
        """Return all steps that depend on one of `steps`, directly or not."""
        found: set[str] = set()
        for name, step in self.steps.items():
            if set(step.inputs.values()) & (found | steps):
                found.add(name)
        return found

    def own_phases(self, point: Point) -> list[str]:
        """Return the phases of a run that not all rows share: those that the ablation is about."""
        used = ({step for each in points for step in each.steps.values()} for points in self.rows.values())
        shared = set.intersection(*used) if len(self.labels) > 1 else set()
        roles = (role for role in point.steps if role.startswith("mixture.") and point.steps[role] not in shared)
        return [role.removeprefix("mixture.") for role in roles]


def planned(store: Store) -> list[str]:
    """Return the names of the ablations that were launched from this store."""
    return sorted(path.stem for path in (store.root / PLANS).glob("*.json"))


def save_plan(store: Store, plan: Plan) -> None:
    """Write the plan into the store."""
    path = _path(store, plan.ablation)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, plan)


def load_plan(store: Store, ablation: str) -> Plan:
    """Return the frozen plan of `ablation`.

    Raises:
        ConfigError: it was never launched from this store; names the command, or the nearest ablation.
        ArtifactError: the file is not a plan.
    """
    launched, path = planned(store), _path(store, ablation)
    if ablation not in launched:
        begin = shlex.join(["python", "-m", "mmprolong.sweep", f"+ablation={ablation}", *own_option()])
        known = [*launched, *ablations()]
        do = f"begin with {begin}" if ablation in known else f"{nearest(ablation, known)}; {elsewhere()}"
        raise ConfigError(f"ablation {ablation!r}: not launched from {store.root}; {do}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except msgspec.DecodeError as error:
        raise ArtifactError(f"{path}: {error}; plan the sweep again") from error


def require_own_files(plan: Plan) -> None:
    """Refuse to go on without the folder of the user's own files that was named at the launch.

    Raises:
        ConfigError: none is named now; names it.
    """
    if plan.config_dir and not own_folder():
        add = shlex.join(own_option(plan.config_dir))
        raise ConfigError(f"{plan.ablation}: launched with files of your own, add {add}")


def _path(store: Store, ablation: str) -> Path:
    return store.root / PLANS / f"{ablation}.json"
