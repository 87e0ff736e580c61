"""The plan of a sweep: every point composed, checked and frozen before anything runs; equal steps shared."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.artifacts import Store, read_json, write_json
from mmprolong.choices import ablations
from mmprolong.compose import Composer, freeze, to_json
from mmprolong.config import Config
from mmprolong.errors import ConfigError, MMProLongError, nearest
from mmprolong.stages import Step, code_version, steps_of
from mmprolong.sweep.spec import Ablation, parse, points

PLANS = "plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPoint:
    """A point, frozen: its configuration and its steps by role."""

    label: str
    seed: int
    config: dict[str, Any]
    steps: dict[str, str]
    """Step id by role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a launcher, a status display or a table needs to know of a sweep."""

    ablation: str
    question: str
    source: str
    baseline: str
    published: str
    table: str
    created: str
    code: str
    seeds: list[int]
    points: list[PlannedPoint]
    steps: dict[str, Step] = field(default_factory=dict)
    """By id, in an order in which they can run."""


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep that `overrides` describe; also the first point's configuration.

    Raises:
        ConfigError: the ablation or any of its points is wrong; all wrong points are named at once.
    """
    composer = Composer()
    ablation = parse(composer.compose(overrides)[1])
    own = [text for text in overrides if not text.lstrip("+").startswith("ablation=")]
    planned: list[PlannedPoint] = []
    steps: dict[str, Step] = {}
    configs: list[Config] = []
    problems: list[str] = []
    for point in points(ablation, own):
        try:
            config = freeze(composer.compose(point.overrides)[0])
        except MMProLongError as error:
            problems.append(f"{point.label}: {error}")
            continue
        roles = steps_of(config)
        for role, step in roles.items():
            steps.setdefault(step.id, replace(step, label=_label(ablation, point.label, point.seed, role)))
        ids = {role: step.id for role, step in roles.items()}
        planned.append(PlannedPoint(label=point.label, seed=point.seed, config=to_json(config), steps=ids))
        configs.append(config)
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return _plan(ablation, planned, steps), configs[0]


def save_plan(store: Store, plan: Plan) -> Path:
    """Write the plan where status, reports and workers find it."""
    path = store.root / PLANS / f"{plan.ablation}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, plan)
    return path


def load_plan(store: Store, ablation: str) -> Plan:
    """The saved plan of an ablation.

    Raises:
        ConfigError: it was never launched from this store.
    """
    path = store.root / PLANS / f"{ablation}.json"
    if not path.exists():
        planned = [path.stem for path in path.parent.glob("*.json")]
        known = nearest(ablation, {*planned, *ablations()})
        raise ConfigError(f"{path}: {ablation!r} was not launched from this store; {known}")
    return msgspec.convert(read_json(path), type=Plan)


def _plan(ablation: Ablation, planned: list[PlannedPoint], steps: dict[str, Step]) -> Plan:
    return Plan(
        ablation=ablation.name,
        question=ablation.question,
        source=ablation.source,
        baseline=ablation.baseline,
        published=ablation.published,
        table=ablation.table,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code=code_version(),
        seeds=list(ablation.seeds),
        points=planned,
        steps=steps,
    )


def _label(ablation: Ablation, label: str, seed: int, role: str) -> str:
    """What a person calls the step; shared steps carry the first point that asks for them."""
    return (
        f"{ablation.name}/{label}/s{seed}" if role in ("reply", "score") else f"{ablation.name}/{label}/s{seed}/{role}"
    )
