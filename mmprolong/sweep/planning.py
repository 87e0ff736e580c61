"""Planning of a sweep, or of the evaluation of one subject, before anything runs.

Every run of a sweep is composed, checked and frozen; equal steps are shared. A subject is a phase, weights in a folder
or the hub's cache, or a server.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.config.compose import Composer
from mmprolong.config.groups import ABLATION, own_folder
from mmprolong.config.overrides import SWEEP, assigned, choices, is_choice, key_of, locating, refuse_ablation, value_of
from mmprolong.errors import ConfigError, InvalidSettings, MMProLongError, Problem, nearest
from mmprolong.evaluation.checkpoint_match import find_note
from mmprolong.models import weights
from mmprolong.pipeline.plan import Plan, Point, require_own_files
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.plugins import names_in
from mmprolong.settings.knobs import Config
from mmprolong.store.environment import code_version
from mmprolong.store.fingerprint import readable_id
from mmprolong.store.store import Store
from mmprolong.sweep.ablation import Ablation, read_ablation
from mmprolong.sweep.arm_checks import find_confounds, find_other_questions
from mmprolong.sweep.commands import sweep_command

_SERVER = "subject"
"""Name among `llms` of a server that is given by its address."""


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
        ConfigError: as in `make_plan`.
    """
    require_own_files(plan)
    texts = [*plan.overrides, *overrides, assigned("paths.store", str(store))]
    return plan_evaluation(plan.subject, texts) if plan.subject else make_plan(texts)


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


def freeze(overrides: Sequence[str], composer: Composer) -> tuple[Config, dict[str, Step]]:
    """Return the configuration that `overrides` describe, with the pool's digest, and its steps by role.

    Raises:
        ConfigError: an override is wrong; says what set it.
    """
    config = composer.frozen(overrides)
    with locating(overrides):
        return config, steps_of(config)


def _frozen(points: Sequence[Point], steps: dict[str, Step], overrides: Sequence[str], **told: Any) -> Plan:
    """Return a plan with the time, the code and the user's own files of its launch."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    made = {"created": created, "code": code_version(), "config_dir": str(own_folder() or "")}
    return Plan(points=tuple(points), steps=steps, overrides=tuple(overrides), **made, **told)


def _chosen(overrides: Sequence[str]) -> str:
    """Return the name of the chosen ablation."""
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
            config, roles = freeze(overrides, self.composer)
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
        names = ("question", "source", "baseline", "published", "table")
        told = {name: getattr(self.ablation, name) for name in names}
        factor = tuple(self.ablation.factor)
        return _frozen(self.points, self.steps, overrides, ablation=self.ablation.name, factor=factor, **told)


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


def plan_evaluation(subject: str, overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Plan the steps that put a subject through a suite; also return the configuration.

    Args:
        subject: a phase, a folder, a hub name in the local cache, one of `llms`, or ADDRESS#MODEL of a server.

    Raises:
        ConfigError: it is none of these, or an override is wrong.
    """
    refuse_ablation(overrides)
    composer = Composer()
    if "://" in subject:
        found = [*_of_address(subject)]
    else:  # phases that nobody needs may be incomplete
        found = [*_of_name(subject, composer.compose([*overrides, "suite.subject=''"]), overrides)]
    texts = [*found, *overrides]
    config, roles = freeze(texts, composer)
    label = subject.rpartition("#")[2].rstrip("/").rpartition("/")[2]
    ids = {role: step.id for role, step in roles.items()}
    name = readable_id(f"evaluate-{label}", [step for role, step in ids.items() if role.startswith("score.")])
    steps = {step.id: replace(step, label=f"{name}/{label}/s{config.seed}/{role}") for role, step in roles.items()}
    point = Point(label=label, seed=config.seed, config=msgspec.to_builtins(config), steps=ids)
    question = f"How good is {subject}?"
    return _frozen([point], steps, overrides, ablation=name, question=question, baseline=label, subject=subject), config


def _of_address(subject: str) -> Iterator[str]:
    """Yield the overrides that ask a server; prices and more are set below `llms.subject`."""
    address, _, model = subject.partition("#")
    if not model:
        raise ConfigError(f"SUBJECT {subject!r}: names no model; write {address}#MODEL, as the server calls it")
    yield assigned(f"llms.{_SERVER}.base_url", address)
    yield assigned(f"llms.{_SERVER}.model", model)
    yield from _of_server(_SERVER)


def _of_server(name: str) -> Iterator[str]:
    yield from ("suite.subject=''", "suite.engine=endpoint", f"suite.endpoint={name}")


def _of_name(subject: str, config: Config, overrides: Sequence[str]) -> Iterator[str]:
    """Yield the overrides that choose a phase, one of `llms`, or weights."""
    if subject in config.phases:
        yield f"suite.subject={subject}"
    elif subject in config.llms:
        yield from _of_server(subject)
    elif folder := weights.find_model(subject):
        yield from _of_weights(folder, config, {key_of(text) for text in overrides})
    else:
        places = "no phase, no folder with a config.json, no model in the hub's cache, none of llms, no ADDRESS#MODEL"
        raise ConfigError(f"SUBJECT {subject!r}: {places}; {nearest(subject, [*config.phases, *config.llms])}")


def _of_weights(folder: str, config: Config, chosen: set[str]) -> Iterator[str]:
    """Yield path and digest, and the family unless the user has chosen a model."""
    yield "suite.subject=''"
    yield assigned("model.path", folder)
    yield assigned("model.digest", weights.weights_digest(folder))
    note, (kind, dtype) = find_note(folder), weights.stated(folder)
    kind = note.backbone if note else kind
    if kind not in names_in("mmprolong.models.backbones") or chosen & {"model", "model.backbone"}:
        return
    yield f"model.backbone={kind}"
    yield from [f"model.dtype={dtype}"] if dtype else []
    if kind != config.model.backbone:
        yield "view.thumbnail=0"  # only the proxy reads stamped thumbnails
