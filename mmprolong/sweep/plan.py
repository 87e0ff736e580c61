"""The plan of a sweep: every point composed, checked and frozen before anything runs; equal steps shared."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mmprolong.config.compose import Composer, to_json
from mmprolong.config.groups import ABLATION, groups, own_folder
from mmprolong.config.keys import SWEEP, assigned, key_of
from mmprolong.errors import ConfigError, MMProLongError, Wrong, WrongValues, refuse
from mmprolong.pipeline.plan import Plan, Point, with_own_files
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.settings.knobs import Config
from mmprolong.store.environment import code_version
from mmprolong.sweep.comparable import SET_BY, judged_otherwise
from mmprolong.sweep.spec import Ablation, PointSpec, draft, labels, points, problems, read_draft, set_by_rows


def make_plan(overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Expand, check and freeze the sweep that `overrides` describe; also the first point's configuration.

    Raises:
        ConfigError: the ablation or a point is wrong, or points are not judged alike; all is said at once, and where.
    """
    composer = Composer()
    ablation, wrong = _ablation(composer, overrides)
    planned: list[Point] = []
    steps: dict[str, Step] = {}
    configs: list[Config] = []
    failed: dict[Wrong, list[str]] = defaultdict(list)
    own = [text for text in overrides if not _chosen(text)]
    specs = points(ablation, own)
    for point in specs:
        try:
            config = composer.frozen(point.overrides, point.written)
            roles = steps_of(config)
        except MMProLongError as error:
            for each in _wrong(error):
                failed[each].append(point.label)
            continue
        for role, step in roles.items():
            steps.setdefault(step.id, replace(step, label=_label(ablation, point.label, point.seed, role)))
        ids = {role: step.id for role, step in roles.items()}
        planned.append(Point(label=point.label, seed=point.seed, config=to_json(config), steps=ids))
        configs.append(config)
    for label, each in judged_otherwise(planned, ablation.baseline, partial(_place, composer, specs)):
        failed[each].append(label)
    wrong += _lost(composer, ablation, own, specs)
    wrong += _said(ablation.name, failed, len(labels(ablation)))
    refuse(wrong)
    return _plan(ablation, planned, steps, overrides), configs[0]


def _chosen(override: str) -> str:
    """The ablation that an override chooses; empty if it is another override."""
    return override.partition("=")[2].strip("'\"") if key_of(override) == ABLATION else ""


def _ablation(composer: Composer, overrides: Sequence[str]) -> tuple[Ablation, list[Wrong]]:
    """The ablation with the user's changes to it, and what is wrong with it besides its points.

    Raises:
        ConfigError: several are chosen, or its rows cannot be planned.
    """
    chosen = [name for text in overrides if (name := _chosen(text))]
    with composer.placing(overrides):
        if len(chosen) > 1:
            says = f"{', '.join(chosen)}; a sweep is one ablation, launch them one after the other"
            raise WrongValues(Wrong(ABLATION, says))
        for name in chosen:
            read_draft(name)
        ablation = draft(composer.sweep_block(overrides))
        if chosen and ablation.name != chosen[0]:
            raise WrongValues(Wrong("sweep.name", f"{ablation.name!r}, but this is {chosen[0]}; leave it out"))
    return ablation, [*map(composer.origins(overrides).placed, problems(ablation))]


def plan_again(plan: Plan, store: Path, overrides: Sequence[str] = ()) -> tuple[Plan, Config]:
    """What the command that made `plan` would plan today, with more `overrides`; also its first configuration.

    Raises:
        ConfigError: the plan does not say what it was launched with; or as in `make_plan`.
    """
    if not plan.overrides:
        raise ConfigError(f"{plan.ablation}: its plan does not say what it was launched with; sweep again")
    with with_own_files(plan):
        return make_plan([*plan.overrides, *overrides, assigned("paths.store", str(store))])


def _lost(
    composer: Composer, ablation: Ablation, overrides: Sequence[str], specs: Sequence[PointSpec]
) -> Iterator[Wrong]:
    """The overrides that rows would take back, or that would take back what makes the rows differ."""
    keys = [key for key in map(key_of, overrides) if key.partition(".")[0] != SWEEP]
    values = (key for key in keys if key not in groups())
    lost = [*set_by_rows(ablation, keys), *composer.varied(values, (spec.overrides for spec in specs))]
    for key in dict.fromkeys(lost):
        yield composer.origins(overrides).placed(Wrong(key, f"the rows of {ablation.name} vary it; leave it out"))


def _wrong(error: MMProLongError) -> Sequence[Wrong]:
    return error.wrong if isinstance(error, WrongValues) else [Wrong("", line) for line in str(error).splitlines()]


def _place(composer: Composer, specs: Sequence[PointSpec], point: Point, key: str) -> str:
    """What set a value of a point."""
    spec = next(spec for spec in specs if (spec.label, spec.seed) == (point.label, point.seed))
    return composer.origins(spec.overrides, spec.written).of(tuple(SET_BY.get(key, key).split(".")))


def _said(ablation: str, failed: Mapping[Wrong, Sequence[str]], rows: int) -> Iterator[Wrong]:
    """Each problem once, with the first of the rows that have it unless all have."""
    for wrong, found in failed.items():
        first, *others = dict.fromkeys(found)
        if len(others) + 1 == rows > 1:
            yield wrong
        else:
            more = f" (and {len(others)} more)" if others else ""
            row = f"{ablation}/{first}{more}"
            yield replace(wrong, where=": ".join(part for part in (wrong.where, row) if part))


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
