"""Steps and points by what a user types: an id, its beginning or its hash; an ablation, an arm, a seed."""

from difflib import get_close_matches
from functools import cached_property

from mmprolong.config.groups import ablations
from mmprolong.errors import ConfigError, nearest
from mmprolong.pipeline.plan import Plan, Point, load_plan, planned
from mmprolong.pipeline.run import record_of
from mmprolong.pipeline.steps import Step, split_path, stage_of
from mmprolong.settings.stages import STAGES
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store


def step_folders(store: Store) -> list[str]:
    """Return `stage/id` of every step that has a folder."""
    found = (path for stage in STAGES for path in (store.root / stage).glob("*") if path.is_dir())
    return sorted(path.relative_to(store.root).as_posix() for path in found)


class Steps:
    """All steps that a store knows, by `stage/id`: finished ones, and planned ones as records without a result."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @cached_property
    def paths(self) -> list[str]:
        """`stage/id` of every step that is finished, begun or planned."""
        return sorted({*step_folders(self.store), *self._planned})

    @cached_property
    def _planned(self) -> dict[str, Step]:
        plans = (load_plan(self.store, name) for name in planned(self.store))
        return {step.path: step for plan in plans for step in plan.steps.values()}

    def find(self, text: str) -> RunRecord:
        """Return the step that `text` names: `stage/id`, id, the beginning of either, or the id's hash.

        Of a point, the mixture that it is trained on; of one that is not trained, its first benchmark's scores.

        Raises:
            ConfigError: none or several; names the nearest.
            ArtifactError: a record or a plan is damaged.
        """
        if is_ablation(self.store, text):
            return self.get(_step_of_point(self.store, text))
        if self.store.record(*split_path(text)) is not None:  # whatever is wrong with the plans
            return self.get(text)
        names = {path: (path, split_path(path)[1], path.rpartition("-")[2]) for path in self.paths}
        exact = [path for path, own in names.items() if text in own]
        matches = exact or [path for path, own in names.items() if any(each.startswith(text) for each in own)]
        if len(matches) == 1:
            return self.get(matches[0])
        if matches:
            shown = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
            raise ConfigError(f"step {text!r}: {len(matches)} of {self.store.root} are named so: {shown}; write more")
        known = {*(each for own in names.values() for each in own[:2]), *planned(self.store), *ablations()}
        near = " or ".join(map(repr, get_close_matches(text, known, 3, 0.4)))
        hint = f"did you mean {near}?" if near else "its folders are the steps' names"
        raise ConfigError(f"step {text!r}: not in {self.store.root}; {hint}")

    def get(self, path: str) -> RunRecord:
        """Return the step at `stage/id`.

        Raises:
            ConfigError: it is neither finished nor planned.
        """
        record = self.store.record(*split_path(path))
        if record is None and path not in self._planned:
            raise ConfigError(f"step {path!r}: not finished, and in no plan of {self.store.root}")
        return record or record_of(self._planned[path])


def is_finished(step: RunRecord) -> bool:
    """Tell a finished step from a planned one, by the digest that is made when a record is written."""
    return bool(step.digest)


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
    arm, _, seed = rest.rpartition("/")  # a label may hold a slash; what follows the last one may be a seed
    label, seed = (rest or plan.baseline, "") if rest in ("", *plan.labels) else (arm or rest, seed if arm else "")
    if label not in plan.labels:
        raise ConfigError(f"point {text!r}: {name} has no label {rest!r}; {nearest(rest, plan.labels)}")
    points = {str(point.seed): point for point in plan.rows[label]}
    if seed and seed.removeprefix("s") not in points:
        raise ConfigError(f"point {text!r}: {label} has no seed {seed}; allowed: {', '.join(points)}")
    return plan, points[seed.removeprefix("s") or next(iter(points))]


def _step_of_point(store: Store, text: str) -> str:
    plan, point = find_point(store, text)
    if "/" not in text and not plan.own_phases(point):  # an untrained baseline: the first arm that is trained
        point = next((one for one in plan.points if plan.own_phases(one)), point)
    roles = [f"mixture.{phase}" for phase in plan.own_phases(point)] or [f"score.{next(iter(point.scores))}"]
    return f"{stage_of(roles[-1])}/{point.steps[roles[-1]]}"
