"""The plan of a sweep: every point composed, checked and frozen before anything runs; equal steps shared."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mmprolong.choices import ABLATION, own_folder
from mmprolong.compose import Composer, freeze, to_json
from mmprolong.config import Config
from mmprolong.environment import code_version
from mmprolong.errors import ConfigError, MMProLongError
from mmprolong.plans import Plan, Point, with_own_files
from mmprolong.stages import Step, steps_of
from mmprolong.sweep.comparable import judged_otherwise
from mmprolong.sweep.spec import Ablation, draft, file_of, labels, points, problems, read_draft


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep that `overrides` describe; also the first point's configuration.

    Raises:
        ConfigError: the ablation or a point is wrong, or points are not judged alike; all is said at once.
    """
    composer = Composer()
    ablation, wrong = _ablation(composer, overrides)
    planned: list[Point] = []
    steps: dict[str, Step] = {}
    configs: list[Config] = []
    failed: dict[str, list[str]] = defaultdict(list)
    for point in points(ablation, [text for text in overrides if not _chosen(text)]):
        try:
            config = freeze(composer.compose(point.overrides)[0])
            roles = steps_of(config)
        except MMProLongError as error:
            for line in str(error).splitlines():
                failed[line].append(point.label)
            continue
        for role, step in roles.items():
            steps.setdefault(step.id, replace(step, label=_label(ablation, point.label, point.seed, role)))
        ids = {role: step.id for role, step in roles.items()}
        planned.append(Point(label=point.label, seed=point.seed, config=to_json(config), steps=ids))
        configs.append(config)
    wrong += _said(ablation.name, failed, len(labels(ablation)))
    wrong += judged_otherwise(planned, ablation.baseline)
    if wrong:
        raise ConfigError("\n".join(wrong))
    return _plan(ablation, planned, steps, overrides), configs[0]


def _chosen(override: str) -> str:
    """The ablation that an override chooses; empty if it is another override."""
    group, _, name = override.lstrip("+").partition("=")
    return name if group == ABLATION else ""


def _ablation(composer: Composer, overrides: Sequence[str]) -> tuple[Ablation, list[str]]:
    """The ablation with the user's changes to it, and what is wrong with it besides its points.

    Raises:
        ConfigError: several are chosen, or its rows cannot be planned.
    """
    chosen = [name for text in overrides if (name := _chosen(text))]
    if len(chosen) > 1:
        raise ConfigError(f"+ablation: {', '.join(chosen)}; a sweep is one ablation, launch them one after the other")
    written = [wrong for name in chosen for wrong in problems(read_draft(name))]
    ablation = draft(composer.sweep_block(overrides))
    return ablation, [f"{file_of(chosen[0])}: {wrong}" if wrong in written else wrong for wrong in problems(ablation)]


def plan_again(plan: Plan, store: Path, overrides: Sequence[str] = ()) -> tuple[Plan, Config]:
    """What the command that made `plan` would plan today, with more `overrides`; also its first configuration.

    Raises:
        ConfigError: the plan does not say what it was launched with; or as in `make_plan`.
    """
    if not plan.overrides:
        raise ConfigError(f"{plan.ablation}: its plan does not say what it was launched with; sweep again")
    with with_own_files(plan):
        return make_plan([*plan.overrides, *overrides, f"paths.store={store}"])


def _said(ablation: str, failed: Mapping[str, Sequence[str]], rows: int) -> Iterator[str]:
    """One line a problem and row; one for a problem that all rows have."""
    for error, found in failed.items():
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
        config_dir=str(own_folder() or ""),
        points=tuple(planned),
        steps=steps,
    )


def _label(ablation: Ablation, label: str, seed: int, role: str) -> str:
    """What a person calls the step; shared steps carry the first point that asks for them."""
    return (
        f"{ablation.name}/{label}/s{seed}" if role in ("reply", "score") else f"{ablation.name}/{label}/s{seed}/{role}"
    )
