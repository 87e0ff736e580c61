"""Planning of a sweep: every run is composed, checked and frozen before anything runs; equal steps are shared."""

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
from mmprolong.store.store import Store
from mmprolong.sweep.ablation import Ablation, read_ablation
from mmprolong.sweep.arm_checks import find_confounds, find_other_questions
from mmprolong.sweep.commands import sweep_command


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep of `overrides`; also return the configuration of its first point.

    Raises:
        ConfigError: the ablation or a point is wrong, or arms answer different questions; names all problems and
            where they were set.
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
    problems = [*_conflicts(planning.composer, ablation, user, planned), *planning.problems(arms)]
    if problems:
        raise InvalidSettings(*problems)
    return planning.plan(overrides), planning.configs[0]


def plan_again(plan: Plan, store: Path, overrides: Sequence[str] = ()) -> tuple[Plan, Config]:
    """Plan again from the command that made `plan`, with more `overrides`; also return its first configuration.

    Raises:
        ConfigError: the plan does not record its command; or as in `make_plan`.
    """
    if not (plan.overrides or plan.subject):
        raise ConfigError(f"{plan.ablation}: its plan does not record the command of its launch; launch it again")
    with with_own_files(plan):
        if plan.subject:
            from mmprolong.sweep.subject import plan_evaluation

            return plan_evaluation(plan.subject, [*plan.overrides, *overrides, assigned("paths.store", str(store))])
        return make_plan([*plan.overrides, *overrides, assigned("paths.store", str(store))])


def plan_retry(store: Store, plan: Plan, overrides: Sequence[str]) -> Plan:
    """Return `plan` with `overrides` of where and how its steps run.

    Raises:
        ConfigError: it is not for Slurm, or its command plans other steps today, because code, files or overrides
            have changed.
    """
    today, config = plan_again(plan, store.root, overrides)
    command = sweep_command(plan, store.root, *overrides)
    if config.cluster.launcher != "slurm":
        message = f"a retry is for Slurm, and cluster={config.cluster.name} has none"
        raise ConfigError(f"{plan.ablation}: {message}; run it here by {command}")
    changed = len(today.steps.keys() ^ plan.steps.keys())
    if changed:
        found = f"{changed} steps differ between the plan of its launch and that of today"
        raise ConfigError(f"{plan.ablation}: {found}; launch it again, finished steps stay: {command}")
    return replace(today, overrides=(*plan.overrides, *overrides))


def _chosen(overrides: Sequence[str]) -> str:
    """Return the name of the chosen ablation.

    Raises:
        ConfigError: no ablation is chosen, or several are.
    """
    names = [value_of(text) for text in overrides if key_of(text) == ABLATION]
    if not names:
        raise ConfigError(f"{SWEEP}: no ablation was chosen; add +{ABLATION}=NAME")
    if len(names) > 1:
        raise ConfigError(f"{ABLATION}: {', '.join(names)}; a sweep is one ablation, launch them one after the other")
    return names[0]


class _Planning:
    """Points of a plan so far, and the problems of those that cannot be planned."""

    def __init__(self, ablation: Ablation) -> None:
        self.ablation = ablation
        self.composer = Composer()
        self.points: list[Point] = []
        self.configs: list[Config] = []
        self.steps: dict[str, Step] = {}
        self.failed: dict[Problem, list[str]] = defaultdict(list)
        """Labels of the arms with each problem."""

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
        """Yield each problem once, with the first arm that has it unless all have it."""
        for point, each in find_other_questions(self.points, self.steps, self.ablation.baseline):
            self.failed[each].append(point.label)
        for point, each in find_confounds(self.points, self.ablation.baseline, self.ablation.factor):
            self.failed[each].append(point.label)
        for problem, labels in self.failed.items():
            first, *others = dict.fromkeys(labels)
            more = f" (and {len(others)} more)" if others else ""
            arm = f"{self.ablation.name}/{first}{more}" if len(others) + 1 < len(arms) or len(arms) == 1 else ""
            yield replace(problem, where=": ".join(part for part in (problem.where, arm) if part))

    def plan(self, overrides: Sequence[str]) -> Plan:
        """Return the complete plan."""
        ablation = self.ablation
        return Plan(
            ablation=ablation.name,
            question=ablation.question,
            source=ablation.source,
            baseline=ablation.baseline,
            published=ablation.published,
            table=ablation.table,
            factor=tuple(ablation.factor),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            code=code_version(),
            overrides=tuple(overrides),
            config_dir=str(own_folder() or ""),
            points=tuple(self.points),
            steps=self.steps,
        )


def _conflicts(
    composer: Composer, ablation: Ablation, user: Sequence[str], arms: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Yield the user's overrides that arms would undo, or that would undo the differences between the arms.

    Args:
        arms: overrides of the arms that can be composed, by label.
    """
    different = {choices(texts): texts for texts in arms.values()}.values()
    for text in user:
        key = key_of(text)
        own = [any(f"{key}.".startswith(f"{key_of(each)}.") for each in texts) for texts in ablation.arms.values()]
        values = {repr(composer.chosen_value(texts, key)) for texts in different if not is_choice(text)}
        if sum(own) > 1 or len(values) > 1 or key == "seed":
            message = f"the arms of {ablation.name} vary it; leave it out"
            yield Problem(key, message, where=f"override {text!r}")
