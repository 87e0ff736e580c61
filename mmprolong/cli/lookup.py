"""From what a user types to steps and points: an id, its beginning or its hash; an ablation, a row, a seed."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import msgspec

from mmprolong.config.groups import ablations
from mmprolong.errors import ArtifactError, ConfigError, nearest
from mmprolong.pipeline.plan import Plan, Point, load_plan, planned
from mmprolong.pipeline.steps import Step, split_path
from mmprolong.settings.fields import identity
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStep:
    """A step of the store, finished or only planned."""

    id: str
    stage: str
    version: int
    settings: dict[str, Any]
    """Those that name the step; what is at its default is left out."""
    needs: dict[str, str]
    """`stage/id` by role."""
    label: str
    finished: bool

    @property
    def path(self) -> str:
        """`stage/id`."""
        return f"{self.stage}/{self.id}"


def add_store(parser: argparse.ArgumentParser) -> None:
    """The option that says which store is read."""
    parser.add_argument("--store", default="store", help="folder of finished steps (default: store)")


def add_mixed_code(parser: argparse.ArgumentParser) -> None:
    """The option that lets results of different code stand beside each other."""
    told = "show results of different code beside each other, and say so below the table"
    parser.add_argument("--mixed-code", action="store_true", help=told)


def step_folders(store: Store) -> list[str]:
    """`stage/id` of every step that has a folder."""
    found = (path for stage in STAGES for path in (store.root / stage).glob("*") if path.is_dir())
    return sorted(path.relative_to(store.root).as_posix() for path in found)


class Steps:
    """All steps that a store knows, by `stage/id`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[str, KnownStep] = {}

    @cached_property
    def paths(self) -> list[str]:
        """`stage/id` of every step that is finished, begun or planned."""
        return sorted({*step_folders(self.store), *self._planned})

    @property
    def _points(self) -> list[str]:
        return [*planned(self.store), *ablations()]

    @property
    def _planned(self) -> dict[str, Step]:
        return self._plans[0]

    @property
    def _unread(self) -> str:
        """What is said besides of a step that is not found while plans cannot be read."""
        return "".join(f"; {error}" for error in self._plans[1])

    @cached_property
    def _plans(self) -> tuple[dict[str, Step], list[str]]:
        """The planned steps by `stage/id`; and why plans cannot be read."""
        found: dict[str, Step] = {}
        torn: list[str] = []
        for name in planned(self.store):
            try:
                found |= {step.path: step for step in load_plan(self.store, name).steps.values()}
            except ArtifactError as error:
                torn.append(str(error))
        return found, torn

    def find(self, text: str, points: bool = True) -> KnownStep:
        """The step that `text` names: `stage/id`, id, the beginning of either, or the id's hash.

        Args:
            points: whether who asks takes an ablation or a point of one, too.

        Raises:
            ConfigError: none or several; names the nearest.
        """
        if self.store.record(*split_path(text)) is not None:
            return self.get(text)
        matches = [path for path in self.paths if text in (path, split_path(path)[1])]
        matches = matches or [path for path in self.paths if text and _named(path, text)]
        if len(matches) == 1:
            return self.get(matches[0])
        if matches:
            shown = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
            raise ConfigError(f"step {text!r}: {len(matches)} of {self.store.root} are named so: {shown}; write more")
        if not points and is_ablation(self.store, text):
            raise ConfigError(f"step {text!r}: an ablation or a point of one; give a step, named as its folder is")
        near = _near(text, [*self.paths, *(self._points if points else [])])
        raise ConfigError(f"step {text!r}: not in {self.store.root}; {near}{self._unread}")

    def get(self, path: str) -> KnownStep:
        """The step at `stage/id`.

        Raises:
            ConfigError: it is neither finished nor planned.
        """
        if path not in self._known:
            self._known[path] = self._finished(path) or self._waiting(path)
        return self._known[path]

    def _finished(self, path: str) -> KnownStep | None:
        record = self.store.record(*split_path(path))
        if record is None:
            return None
        return KnownStep(
            id=record.id,
            stage=record.stage,
            version=record.version,
            settings=record.settings,
            needs=record.needs,
            label=record.label,
            finished=True,
        )

    def _waiting(self, path: str) -> KnownStep:
        step = self._planned.get(path)
        if step is None:
            where = f"not finished, and in no plan of {self.store.root}"
            raise ConfigError(f"step {path!r}: {where}; nothing says what it is{self._unread}")
        stage = STAGES[step.stage]
        return KnownStep(
            id=step.id,
            stage=step.stage,
            version=stage.version,
            settings=identity(msgspec.convert(step.settings, type=stage.settings)),
            needs=step.needs,
            label=step.label,
            finished=False,
        )


def is_ablation(store: Store, text: str) -> bool:
    """Whether `text` names an ablation, or a point of one, and no step."""
    return text.partition("/")[0] in {*planned(store), *ablations()}


def find_point(store: Store, text: str) -> tuple[Plan, Point]:
    """The point `ablation[/label[/seed]]`; without a label the baseline, without a seed the first.

    Raises:
        ConfigError: the ablation was not launched from this store, or has no such label or seed.
    """
    name, _, rest = text.partition("/")
    plan = load_plan(store, name)
    label, seed = _label_and_seed(rest or plan.baseline, plan.labels)
    if label not in plan.labels:
        raise ConfigError(f"point {text!r}: {name} has no label {label!r}; {nearest(label, plan.labels)}")
    points = [point for point in plan.points if point.label == label]
    chosen = [point for point in points if seed is None or str(point.seed) == seed]
    if not chosen:
        seeds = ", ".join(str(point.seed) for point in points)
        raise ConfigError(f"point {text!r}: {label} has no seed {seed}; allowed: {seeds}")
    return plan, chosen[0]


def _label_and_seed(text: str, labels: list[str]) -> tuple[str, str | None]:
    """A label may hold a slash; what follows the last one is a seed if it is a number."""
    if text in labels:
        return text, None
    label, slash, seed = text.rpartition("/")
    return (label, seed.removeprefix("s")) if slash and seed.removeprefix("s").isdigit() else (text, None)


def _named(path: str, text: str) -> bool:
    name = split_path(path)[1]
    return path.startswith(text) or name.startswith(text) or name.rpartition("-")[2].startswith(text)


def _near(text: str, paths: Iterable[str]) -> str:
    names = {path if "/" in text else path.rpartition("/")[2] for path in paths}
    near = get_close_matches(text, names, n=3, cutoff=0.4)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return "its folders are the steps' names; mmprolong status says which sweeps there are"
