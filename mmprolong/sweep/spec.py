"""An ablation: a question, the rows of its table and the overrides that each row stands for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import msgspec

from mmprolong.choices import ABLATION, ablations, root
from mmprolong.errors import ConfigError, nearest
from mmprolong.plugins import names

AXES = " / "
"""Between the labels of the axes that a point combines."""

Axis = dict[str, list[str]]
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
    seeds: list[int] = field(default_factory=lambda: [0])
    points: Axis = field(default_factory=dict)
    grid: list[Axis] = field(default_factory=list)
    """Every combination of the axes is a point, labelled 'a / b'."""
    zip: list[Axis] = field(default_factory=list)
    """The first of every axis together are a point, the second of every axis, and so on."""
    table: str = ""
    """File in analysis/tables that builds the table; empty: arms by evaluated length."""
    published: str = ""
    """CSV in analysis/published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSpec:
    """One arm at one seed."""

    label: str
    seed: int
    overrides: tuple[str, ...]


def read_ablation(name: str) -> Ablation:
    """The ablation as its file says it.

    Raises:
        ConfigError: there is no such file, or it is wrong; names file and key.
    """
    if name not in ablations():
        raise ConfigError(f"ablation: {name!r} is unknown; {nearest(name, ablations())}")
    path = root("sweeps") / ABLATION / f"{name}.yaml"
    try:
        content = msgspec.yaml.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    block = content.get("sweep") if isinstance(content, dict) else None
    if not isinstance(block, dict):
        raise ConfigError(f"{path}: has no block `sweep:` with name, question, source, baseline and points")
    try:
        ablation = parse(block)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    if ablation.name != name:
        raise ConfigError(f"{path}: sweep.name: {ablation.name!r}; call it {name!r}, as its file")
    return ablation


def parse(block: Mapping[str, Any]) -> Ablation:
    """Check a `sweep:` block.

    Raises:
        ConfigError: a key is missing, unknown or of the wrong type; a seed repeats; the baseline is no label.
    """
    if not block:
        raise ConfigError("sweep: no ablation was chosen; add +ablation=NAME")
    allowed = Ablation.__dataclass_fields__
    for key in block:
        if key not in allowed:
            raise ConfigError(f"sweep.{key}: unknown; {nearest(key, allowed)}")
    try:
        ablation = msgspec.convert(block, type=Ablation)
    except msgspec.ValidationError as error:
        raise ConfigError(f"sweep: {error}") from error
    _check(ablation)
    return ablation


def labels(ablation: Ablation) -> Axis:
    """Overrides by label, in the order of the table."""
    return dict(_rows(ablation))


def _rows(ablation: Ablation) -> Iterator[tuple[str, list[str]]]:
    yield from ablation.points.items()
    combined = [*product(*(axis.items() for axis in ablation.grid))] if ablation.grid else []
    combined += zip(*(axis.items() for axis in ablation.zip), strict=True)
    for combination in combined:
        yield AXES.join(label for label, _ in combination), [text for _, texts in combination for text in texts]


def points(ablation: Ablation, overrides: Sequence[str]) -> list[PointSpec]:
    """Every row at every seed; a row's own overrides win over the user's.

    Raises:
        ConfigError: the user sets what the rows set themselves, so that it would have no effect.
    """
    rows = Counter(key for own in labels(ablation).values() for key in {_key(text) for text in own})
    varied = {key for key, number in rows.items() if number > 1}
    for text in overrides:
        if _key(text) in varied | {"seed"}:
            raise ConfigError(f"override {text!r}: {ablation.name} varies {_key(text)} itself; leave it out")
    base = [*overrides, f"+ablation={ablation.name}"]
    return [
        PointSpec(label=label, seed=seed, overrides=(*base, *own, f"seed={seed}"))
        for label, own in labels(ablation).items()
        for seed in ablation.seeds
    ]


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _check(ablation: Ablation) -> None:
    lengths = [len(axis) for axis in ablation.zip]
    if len(set(lengths)) > 1:
        raise ConfigError(f"sweep.zip: axes of {lengths} labels; give all as many, or combine each with each by `grid`")
    rows = Counter(label for label, _ in _rows(ablation))
    twice = [label for label, number in rows.items() if number > 1]
    if twice:
        raise ConfigError(f"sweep {ablation.name}: two rows are called {twice[0]!r}; give each a label of its own")
    if not rows:
        raise ConfigError(f"sweep {ablation.name}: no points, no grid and no zip; name at least one row")
    if ablation.baseline not in rows:
        raise ConfigError(f"sweep.baseline: {ablation.baseline!r} is no label; {nearest(ablation.baseline, rows)}")
    if len(set(ablation.seeds)) != len(ablation.seeds) or not ablation.seeds:
        raise ConfigError(f"sweep.seeds: {ablation.seeds}; name one or more, each once")
    named = [item for axis in (ablation.points, *ablation.grid, *ablation.zip) for item in axis.items()]
    empty = [label for label, texts in named if not texts or not all(text.strip() for text in texts)]
    if empty:
        raise ConfigError(f"sweep {ablation.name}: the label {empty[0]!r} has no override; say what it stands for")
    _check_file("table", ablation.table, names(root("analysis") / "tables"))
    _check_file("published", ablation.published, [path.name for path in (root("analysis") / "published").glob("*.csv")])


def _check_file(key: str, name: str, allowed: Sequence[str]) -> None:
    if name and name not in allowed:
        raise ConfigError(f"sweep.{key}: {name!r} is not in analysis; {nearest(name, allowed)}")
