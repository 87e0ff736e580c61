"""From what a user types to steps and points: an id, its beginning or its hash; an ablation, an arm, a seed."""

from difflib import get_close_matches
from functools import cached_property
from typing import Any

from mmprolong.config.groups import ablations
from mmprolong.errors import ArtifactError, ConfigError, nearest
from mmprolong.pipeline.plan import Plan, Point, load_plan, planned
from mmprolong.pipeline.run import settings_of
from mmprolong.pipeline.steps import Step, split_path
from mmprolong.settings.fields import identity
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store


class KnownStep:
    """A step of the store, finished or only planned."""

    def __init__(self, path: str, known: Any, version: int, settings: dict[str, Any], whole: dict[str, Any]) -> None:
        self.path = path
        """`stage/id`."""
        self.stage, self.id = split_path(path)
        self.version = version
        self.settings = settings
        """Those that name the step; what is at its default is left out."""
        self.all_settings = whole
        """With the defaults."""
        self.needs: dict[str, str] = known.needs
        """`stage/id` by role."""
        self.label: str = known.label
        self.finished = not isinstance(known, Step)


def step_folders(store: Store) -> list[str]:
    """Return `stage/id` of every step that has a folder."""
    found = (path for stage in STAGES for path in (store.root / stage).glob("*") if path.is_dir())
    return sorted(path.relative_to(store.root).as_posix() for path in found)


class Steps:
    """All steps that a store knows, by `stage/id`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[str, KnownStep] = {}
        self._unread = ""
        """What is said besides of a step that is not found while plans cannot be read."""

    @cached_property
    def paths(self) -> list[str]:
        """`stage/id` of every step that is finished, begun or planned."""
        return sorted({*step_folders(self.store), *self._planned})

    @cached_property
    def _planned(self) -> dict[str, Step]:
        found: dict[str, Step] = {}
        for name in planned(self.store):
            try:
                found |= {step.path: step for step in load_plan(self.store, name).steps.values()}
            except ArtifactError as error:
                self._unread += f"; {error}"
        return found

    def find(self, text: str, points: bool = True) -> KnownStep:
        """Return the step that `text` names: `stage/id`, id, the beginning of either, or the id's hash.

        Args:
            points: the command takes an ablation or a point of one, too.

        Raises:
            ConfigError: none or several; names the nearest.
        """
        if self.store.record(*split_path(text)) is not None:
            return self.get(text)
        matches = [path for path in self.paths if text in (path, split_path(path)[1])]
        matches = matches or [path for path in self.paths if text and _is_named(path, text)]
        if len(matches) == 1:
            return self.get(matches[0])
        if matches:
            shown = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
            raise ConfigError(f"step {text!r}: {len(matches)} of {self.store.root} are named so: {shown}; write more")
        if not points and is_ablation(self.store, text):
            raise ConfigError(f"step {text!r}: an ablation or a point of one; give a step, named as its folder is")
        names = [*self.paths, *([*planned(self.store), *ablations()] if points else [])]
        near = get_close_matches(text, {each if "/" in text else each.rpartition("/")[2] for each in names}, 3, 0.4)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
        hint = hint or "its folders are the steps' names; mmprolong status says which sweeps there are"
        raise ConfigError(f"step {text!r}: not in {self.store.root}; {hint}{self._unread}")

    def get(self, path: str) -> KnownStep:
        """Return the step at `stage/id`.

        Raises:
            ConfigError: it is neither finished nor planned.
        """
        if path not in self._known:
            record = self.store.record(*split_path(path))
            if record is not None:
                known = KnownStep(path, record, record.version, record.settings, record.all_settings)
            elif path in self._planned:
                step = self._planned[path]
                settings, version = settings_of(step), STAGES[step.stage].version
                known = KnownStep(path, step, version, identity(settings), identity(settings, whole=True))
            else:
                where = f"not finished, and in no plan of {self.store.root}"
                raise ConfigError(f"step {path!r}: {where}; nothing says what it is{self._unread}")
            self._known[path] = known
        return self._known[path]


def is_ablation(store: Store, text: str) -> bool:
    """Tell the name of an ablation, or of a point of one, from a step's."""
    return text.partition("/")[0] in {*planned(store), *ablations()}


def find_point(store: Store, text: str) -> tuple[Plan, Point]:
    """Return the point `ablation[/arm[/seed]]`; without an arm of the baseline, without a seed of the first.

    Raises:
        ConfigError: the ablation was not launched from this store, or has no such arm or seed.
    """
    name, _, rest = text.partition("/")
    plan = load_plan(store, name)
    label, seed = rest or plan.baseline, None
    if label not in plan.labels:  # a label may hold a slash; what follows the last one is a seed if it is a number
        before, slash, last = label.rpartition("/")
        if slash and last.removeprefix("s").isdigit():
            label, seed = before, int(last.removeprefix("s"))
    if label not in plan.labels:
        raise ConfigError(f"point {text!r}: {name} has no label {label!r}; {nearest(label, plan.labels)}")
    points = {point.seed: point for point in plan.rows[label]}
    if seed is not None and seed not in points:
        raise ConfigError(f"point {text!r}: {label} has no seed {seed}; allowed: {', '.join(map(str, points))}")
    return plan, next(iter(points.values())) if seed is None else points[seed]


def _is_named(path: str, text: str) -> bool:
    name = split_path(path)[1]
    return path.startswith(text) or name.startswith(text) or name.rpartition("-")[2].startswith(text)
