"""The plan of a sweep: every point composed, checked and frozen before anything runs; equal steps shared."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mmprolong.choices import ABLATION
from mmprolong.compose import Composer, freeze, to_json
from mmprolong.config import Config
from mmprolong.environment import code_version
from mmprolong.errors import ConfigError, MMProLongError
from mmprolong.plans import Plan, Point
from mmprolong.stages import Step, steps_of
from mmprolong.sweep.spec import Ablation, labels, parse, points, read_ablation


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep that `overrides` describe; also the first point's configuration.

    Raises:
        ConfigError: the ablation or any of its points is wrong; all wrong points are named at once.
    """
    composer = Composer()
    own = [text for text in overrides if not text.lstrip("+").startswith(f"{ABLATION}=")]
    for text in overrides:
        if text not in own:
            read_ablation(text.partition("=")[2])
    ablation = parse(composer.compose(overrides)[1])
    planned: list[Point] = []
    steps: dict[str, Step] = {}
    configs: list[Config] = []
    problems: dict[str, list[str]] = defaultdict(list)
    for point in points(ablation, own):
        try:
            config = freeze(composer.compose(point.overrides)[0])
        except MMProLongError as error:
            problems[str(error)].append(point.label)
            continue
        roles = steps_of(config)
        for role, step in roles.items():
            steps.setdefault(step.id, replace(step, label=_label(ablation, point.label, point.seed, role)))
        ids = {role: step.id for role, step in roles.items()}
        planned.append(Point(label=point.label, seed=point.seed, config=to_json(config), steps=ids))
        configs.append(config)
    if problems:
        raise ConfigError("\n".join(_said(ablation.name, problems, len(labels(ablation)))))
    return _plan(ablation, planned, steps, overrides), configs[0]


def plan_again(plan: Plan, store: Path, overrides: Sequence[str] = ()) -> tuple[Plan, Config]:
    """What the command that made `plan` would plan today, with more `overrides`; also its first configuration.

    Raises:
        ConfigError: the plan does not say what it was launched with; or as in `make_plan`.
    """
    if not plan.overrides:
        raise ConfigError(f"{plan.ablation}: its plan does not say what it was launched with; sweep again")
    return make_plan([*plan.overrides, *overrides, f"paths.store={store}"])


def _said(ablation: str, problems: Mapping[str, Sequence[str]], rows: int) -> Iterator[str]:
    """One line a problem and row; one for a problem that all rows have."""
    for error, found in problems.items():
        wrong = list(dict.fromkeys(found))
        yield from [error] if len(wrong) == rows > 1 else (f"{ablation}/{label}: {error}" for label in wrong)


def _plan(ablation: Ablation, planned: list[Point], steps: dict[str, Step], overrides: Sequence[str]) -> Plan:
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
        points=tuple(planned),
        steps=steps,
    )


def _label(ablation: Ablation, label: str, seed: int, role: str) -> str:
    """What a person calls the step; shared steps carry the first point that asks for them."""
    return (
        f"{ablation.name}/{label}/s{seed}" if role in ("reply", "score") else f"{ablation.name}/{label}/s{seed}/{role}"
    )
