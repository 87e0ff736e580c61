"""The plan of a sweep: every run composed, checked and frozen before anything runs; equal steps shared."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mmprolong.config.compose import Composer
from mmprolong.config.groups import ABLATION, own_folder
from mmprolong.config.overrides import SWEEP, assigned, choices, is_choice, key_of, value_of
from mmprolong.errors import ConfigError, InvalidSettings, MMProLongError, Problem
from mmprolong.pipeline.plan import Plan, Point, with_own_files
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.settings.knobs import Config
from mmprolong.store.environment import code_version
from mmprolong.sweep.ablation import Ablation, read_ablation
from mmprolong.sweep.comparable import asked_otherwise


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep that `overrides` describe; also return the first point's configuration.

    Raises:
        ConfigError: the ablation or a point is wrong, or points are not judged alike; all is said at once, and where.
    """
    ablation = read_ablation(_chosen(overrides), overrides)
    user = [text for text in overrides if key_of(text).partition(".")[0] not in (ABLATION, SWEEP)]
    arms = {label: [*user, f"+{ABLATION}={ablation.name}", *own] for label, own in ablation.arms.items()}
    planning = _Planning(ablation)
    for label, texts in arms.items():
        for seed in ablation.seeds:
            if not planning.add(label, seed, [*texts, f"seed={seed}"]):
                break  # it would fail at every seed
    planned = {point.label: arms[point.label] for point in planning.points}
    problems = [*_taken_back(planning.composer, ablation, user, planned), *planning.problems(arms)]
    if problems:
        raise InvalidSettings(*problems)
    return planning.plan(overrides), planning.configs[0]


def plan_again(plan: Plan, store: Path, overrides: Sequence[str] = ()) -> tuple[Plan, Config]:
    """Return what the command that made `plan` would plan today, with more `overrides`; also its first configuration.

    Raises:
        ConfigError: the plan does not say what it was launched with; or as in `make_plan`.
    """
    if not plan.overrides:
        raise ConfigError(f"{plan.ablation}: its plan does not say what it was launched with; sweep again")
    with with_own_files(plan):
        return make_plan([*plan.overrides, *overrides, assigned("paths.store", str(store))])


def _chosen(overrides: Sequence[str]) -> str:
    """Return the ablation that is chosen.

    Raises:
        ConfigError: none or several are.
    """
    names = [value_of(text) for text in overrides if key_of(text) == ABLATION]
    if not names:
        raise ConfigError(f"{SWEEP}: no ablation was chosen; add +{ABLATION}=NAME")
    if len(names) > 1:
        raise ConfigError(f"{ABLATION}: {', '.join(names)}; a sweep is one ablation, launch them one after the other")
    return names[0]


class _Planning:
    """The points of a plan so far, and what is wrong with those that cannot be planned."""

    def __init__(self, ablation: Ablation) -> None:
        self.ablation = ablation
        self.composer = Composer()
        self.points: list[Point] = []
        self.configs: list[Config] = []
        self.steps: dict[str, Step] = {}
        self.failed: dict[Problem, list[str]] = defaultdict(list)
        """Labels of the arms that have a problem."""

    def add(self, label: str, seed: int, overrides: Sequence[str]) -> bool:
        """Compose a point and its steps; return whether it can be planned."""
        try:
            config = self.composer.frozen(overrides)
            with self.composer.locating(overrides):
                roles = steps_of(config)
        except MMProLongError as error:
            for each in error.problems if isinstance(error, InvalidSettings) else [Problem("", str(error))]:
                self.failed[each].append(label)
            return False
        for role, step in roles.items():
            # a shared step carries the name of the first point that asks for it
            self.steps.setdefault(step.id, replace(step, label=f"{self.ablation.name}/{label}/s{seed}/{role}"))
        ids = {role: step.id for role, step in roles.items()}
        self.points.append(Point(label=label, seed=seed, config=msgspec.to_builtins(config), steps=ids))
        self.configs.append(config)
        return True

    def problems(self, arms: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
        """Yield each problem once, with the first of the arms that have it unless all have."""
        for point, each in asked_otherwise(self.points, self.steps, self.ablation.baseline):
            self.failed[each].append(point.label)
        for problem, labels in self.failed.items():
            first, *others = dict.fromkeys(labels)
            more = f" (and {len(others)} more)" if others else ""
            arm = f"{self.ablation.name}/{first}{more}" if len(others) + 1 < len(arms) or len(arms) == 1 else ""
            yield replace(problem, where=": ".join(part for part in (problem.where, arm) if part))

    def plan(self, overrides: Sequence[str]) -> Plan:
        """Return the plan, complete."""
        ablation = self.ablation
        return Plan(
            ablation=ablation.name,
            question=ablation.question,
            source=ablation.source,
            baseline=ablation.baseline,
            published=ablation.published,
            table=ablation.table,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            code=code_version(),
            overrides=tuple(overrides),
            config_dir=str(own_folder() or ""),
            points=tuple(self.points),
            steps=self.steps,
        )


def _taken_back(
    composer: Composer, ablation: Ablation, user: Sequence[str], arms: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Yield the user's overrides that arms would take back, or that would take back what makes the arms differ.

    Args:
        arms: those that can be composed.
    """
    for text in user:
        key = key_of(text)
        own = [any(f"{key}.".startswith(f"{key_of(each)}.") for each in texts) for texts in ablation.arms.values()]
        chosen = set() if is_choice(text) else {repr(each) for each in _chosen_values(composer, arms, key)}
        if sum(own) > 1 or len(chosen) > 1 or key == "seed":
            says = f"the arms of {ablation.name} vary it; leave it out"
            yield Problem(key, says, where=f"override {text!r}")


def _chosen_values(composer: Composer, arms: Mapping[str, Sequence[str]], key: str) -> Iterator[object]:
    for texts in {choices(texts): texts for texts in arms.values()}.values():
        yield composer.chosen_value(texts, key)
