"""An ablation: a question, the arms of its table and the overrides that each arm stands for."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import yaml
from annotated_types import MinLen

from mmprolong.config.groups import ABLATION, ABLATIONS, PUBLISHED, TABLES, elsewhere, files_in, named, shown
from mmprolong.config.overrides import SWEEP, key_of
from mmprolong.errors import ConfigError, InvalidSettings, Problem, nearest
from mmprolong.settings.knobs import AtLeast0

_HEADER = re.compile(r"(\s*#.*\n)*?\s*#\s*@package\s+_global_\s*$", re.MULTILINE)
_ONCE = "a sweep has one: set it when you launch"
_FOR_ALL = {"seed": "name seeds in sweep.seeds", "cluster": _ONCE, "paths": _ONCE, "tracking": _ONCE}
"""What no arm can set, and what to do instead."""
AXES = " / "
"""Between the labels of the axes that an arm combines."""

Axis = dict[str, Annotated[list[str], MinLen(1)]]
"""Overrides by label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """The `sweep:` block of a file in sweeps/ablation."""

    name: str
    question: str
    source: str
    """Paper, section or table."""
    baseline: str
    """Label against which differences are shown."""
    seeds: Annotated[list[AtLeast0], MinLen(1)] = field(default_factory=lambda: [0])
    points: Axis = field(default_factory=dict)
    grid: list[Axis] = field(default_factory=list)
    """Every combination of the axes is an arm, labelled 'a / b'."""
    zip: list[Axis] = field(default_factory=list)
    """The first of every axis together are an arm, the second of every axis, and so on."""
    table: str = ""
    """File in analysis/tables that builds the table; empty: arms by evaluated length."""
    published: str = ""
    """CSV in analysis/published."""

    @property
    def arms(self) -> dict[str, list[str]]:
        """Overrides by label, in the order of the table."""
        return dict(self.rows())

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Yield label and overrides of every arm; of two arms called alike, both."""
        yield from self.points.items()
        grid, zipped = ([list(axis.items()) for axis in axes] for axes in (self.grid, self.zip))
        for combined in (*(product(*grid) if grid else ()), *zip(*zipped, strict=False)):
            yield AXES.join(label for label, _ in combined), [text for _, own in combined for text in own]


def read_ablation(name: str, overrides: Sequence[str] = ()) -> Ablation:
    """Return the ablation as its file says it, with the changes that overrides of `sweep` make.

    Raises:
        ConfigError: there is no such file, or it is wrong; names file, line and key.
    """
    path = named(ABLATIONS, name, ABLATION)
    block, own = _block(path), [text for text in overrides if key_of(text).partition(".")[0] == SWEEP]
    try:
        ablation = _decoded(_changed(block, own) if own else block)
        problems = [*_problems(ablation)]
        if ablation.name != name:
            problems.insert(0, Problem(f"{SWEEP}.name", f"{ablation.name!r}; call it {name!r}, as its file"))
        if problems:
            raise InvalidSettings(*problems)
    except InvalidSettings as error:
        from mmprolong.config.provenance import located

        raise InvalidSettings(*(located(each, own, lambda: [(path, "")]) for each in error.problems)) from error
    return ablation


def _block(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        line = (
            f":{error.problem_mark.line + 1}" if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark else ""
        )
        says = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        raise ConfigError(f"{shown(path)}{line}: {says}; mend the YAML") from error
    if not isinstance(content, dict) or not isinstance(content.get(SWEEP), dict):
        raise ConfigError(
            f"{shown(path)}: no block `{SWEEP}:`; give one with name, question, source, baseline and points"
        )
    if not _HEADER.match(text):
        raise ConfigError(f"{shown(path)}: does not begin with the line `# @package _global_`; add it")
    return content[SWEEP]


def _changed(block: Mapping[str, Any], overrides: Sequence[str]) -> Any:
    from omegaconf import OmegaConf

    from mmprolong.config.hydra_compose import apply

    config = OmegaConf.create({SWEEP: dict(block)})
    apply(config, overrides)
    plain: Any = OmegaConf.to_container(config, resolve=False)
    return plain.get(SWEEP, {})


def _decoded(block: Any) -> Ablation:
    from mmprolong.config.decode import decode

    return decode(block, Ablation, SWEEP)


def _problems(ablation: Ablation) -> Iterator[Problem]:
    """Yield what is wrong with an ablation whose values are of the right types."""
    labels = Counter(label for label, _ in ablation.rows())
    lengths = {len(axis) for axis in ablation.zip}
    if len(lengths) > 1:
        yield Problem(f"{SWEEP}.zip", f"axes of {sorted(lengths)} labels; give all as many, or combine them by `grid`")
    if not labels:
        yield Problem(SWEEP, "no points, no grid and no zip; name at least one arm")
    elif ablation.baseline not in labels:
        says = f"{ablation.baseline!r} is no label; {nearest(ablation.baseline, labels)}"
        yield Problem(f"{SWEEP}.baseline", says)
    for label, number in labels.items():
        if number > 1:
            yield Problem(SWEEP, f"two arms are called {label!r}; give each a label of its own")
    if len(set(ablation.seeds)) < len(ablation.seeds):
        yield Problem(f"{SWEEP}.seeds", f"{ablation.seeds}; name each once")
    axes = {"points": ablation.points}
    axes |= {f"{name}.{at}": axis for name in ("grid", "zip") for at, axis in enumerate(getattr(ablation, name))}
    for key, axis in axes.items():
        yield from _axis_problems(f"{SWEEP}.{key}", axis)
    yield from _not_in("table", ablation.table, list(files_in(TABLES)))
    yield from _not_in("published", ablation.published, [path.name for path in files_in(PUBLISHED).values()])
    if ablation.published and not ablation.table:
        says = "without a table nothing shows it; name one of analysis/tables in sweep.table, or leave it out"
        yield Problem(f"{SWEEP}.published", f"{ablation.published!r}; {says}")


def _axis_problems(key: str, axis: Axis) -> Iterator[Problem]:
    for label, texts in axis.items():
        if not label.isprintable() or label != label.strip() or not label:
            yield Problem(key, f"the label {label!r} cannot be printed as it is; use visible letters")
        for text in texts:
            instead = _FOR_ALL.get(key_of(text).partition(".")[0]) if text.strip() else "write an override"
            if instead:
                yield Problem(f"{key}.{label}", f"{text!r}; {instead}")


def _not_in(key: str, name: str, allowed: Sequence[str]) -> Iterator[Problem]:
    if name and name not in allowed:
        yield Problem(f"{SWEEP}.{key}", f"{name!r} is not in analysis; {nearest(name, allowed)}; {elsewhere()}")
