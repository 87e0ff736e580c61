"""An ablation: a question, the rows of its table and the overrides that each row stands for."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.choices import ABLATIONS, PUBLISHED, TABLES, elsewhere, files_in, named
from mmprolong.errors import ConfigError, nearest

_HEADER = re.compile(r"(\s*#.*\n)*?\s*#\s*@package\s+_global_\s*$", re.MULTILINE)
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
    ablation = read_draft(name)
    _refuse(f"{file_of(name)}: {wrong}" for wrong in problems(ablation))
    return ablation


def file_of(name: str) -> Path:
    """Where the ablation of that name is written.

    Raises:
        ConfigError: there is no such file; names the nearest.
    """
    return named(ABLATIONS, name, "ablation")


def read_draft(name: str) -> Ablation:
    """The ablation as its file says it, as far as its rows can be planned: it may still have `problems`.

    Raises:
        ConfigError: there is no such file, or it is wrong; names file and key.
    """
    path = file_of(name)
    try:
        text = path.read_text(encoding="utf-8")
        content = msgspec.yaml.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    block = content.get("sweep") if isinstance(content, dict) else None
    if not isinstance(block, dict):
        raise ConfigError(f"{path}: has no block `sweep:` with name, question, source, baseline and points")
    if not _HEADER.match(text):
        raise ConfigError(f"{path}: does not begin with the line `# @package _global_`; add it")
    try:
        ablation = draft(block)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    if ablation.name != name:
        raise ConfigError(f"{path}: sweep.name: {ablation.name!r}; call it {name!r}, as its file")
    return ablation


def parse(block: Any) -> Ablation:
    """Check a `sweep:` block.

    Raises:
        ConfigError: as in `draft`, or it has `problems`.
    """
    ablation = draft(block)
    _refuse(problems(ablation))
    return ablation


def draft(block: Any) -> Ablation:
    """A `sweep:` block as far as its rows can be planned: it may still have `problems`.

    Raises:
        ConfigError: a key is missing, unknown or of the wrong type; a label or seed repeats; a row sets nothing.
    """
    if not isinstance(block, Mapping):
        raise ConfigError(f"sweep: {block!r}; it is a block of keys: set sweep.seeds=..., sweep.baseline=...")
    if not block:
        raise ConfigError("sweep: no ablation was chosen; add +ablation=NAME")
    allowed = Ablation.__dataclass_fields__
    for key in block:
        if key not in allowed:
            raise ConfigError(f"sweep.{key}: unknown; {nearest(key, allowed)}")
    for label, texts in _written(block):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ConfigError(
                f"sweep: the label {label!r} stands for {texts!r}; write a list of overrides: [key=value]"
            )
    try:
        ablation = msgspec.convert(block, type=Ablation)
    except msgspec.ValidationError as error:
        raise ConfigError(f"sweep: {error}") from error
    _check_rows(ablation)
    return ablation


def problems(ablation: Ablation) -> list[str]:
    """What is wrong with an ablation whose rows can be planned all the same, a line each."""
    named = labels(ablation)
    wrong = []
    if ablation.baseline not in named:
        wrong.append(f"sweep.baseline: {ablation.baseline!r} is no label; {nearest(ablation.baseline, named)}")
    for label, texts in named.items():
        seeds = [text for text in texts if _key(text) == "seed"]
        if seeds:
            wrong.append(f"sweep {ablation.name}: the label {label!r} sets {seeds[0]}; name seeds in sweep.seeds")
    wrong += _not_in("table", ablation.table, list(files_in(TABLES)))
    wrong += _not_in("published", ablation.published, [path.name for path in files_in(PUBLISHED).values()])
    if ablation.published and not ablation.table:
        why = "without a table nothing shows it; name one of analysis/tables in sweep.table, or leave it out"
        wrong.append(f"sweep.published: {ablation.published!r}, but {why}")
    return wrong


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


def _refuse(wrong: Iterable[str]) -> None:
    lines = list(wrong)
    if lines:
        raise ConfigError("\n".join(lines))


def _written(block: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """What is written for each label of the points and axes, of whatever type."""
    axes = [block.get("points")]
    for key in ("grid", "zip"):
        found = block.get(key)
        axes += found if isinstance(found, list) else []
    return (row for axis in axes if isinstance(axis, Mapping) for row in axis.items())


def _check_rows(ablation: Ablation) -> None:
    lengths = [len(axis) for axis in ablation.zip]
    if len(set(lengths)) > 1:
        raise ConfigError(f"sweep.zip: axes of {lengths} labels; give all as many, or combine each with each by `grid`")
    rows = Counter(label for label, _ in _rows(ablation))
    twice = [label for label, number in rows.items() if number > 1]
    if twice:
        raise ConfigError(f"sweep {ablation.name}: two rows are called {twice[0]!r}; give each a label of its own")
    odd = [label for label in rows if not label.isprintable() or label != label.strip() or not label]
    if odd:
        raise ConfigError(
            f"sweep {ablation.name}: the label {odd[0]!r} cannot be printed as it is; use visible letters"
        )
    if not rows:
        raise ConfigError(f"sweep {ablation.name}: no points, no grid and no zip; name at least one row")
    seeds = ablation.seeds
    if len(set(seeds)) != len(seeds) or min(seeds, default=-1) < 0:
        raise ConfigError(f"sweep.seeds: {seeds}; name one or more, each once, from 0 on")
    named = [item for axis in (ablation.points, *ablation.grid, *ablation.zip) for item in axis.items()]
    empty = [label for label, texts in named if not texts or not all(text.strip() for text in texts)]
    if empty:
        raise ConfigError(f"sweep {ablation.name}: the label {empty[0]!r} has no override; say what it stands for")


def _not_in(key: str, name: str, allowed: Sequence[str]) -> list[str]:
    if not name or name in allowed:
        return []
    return [f"sweep.{key}: {name!r} is not in analysis; {nearest(name, allowed)}; {elsewhere()}"]
