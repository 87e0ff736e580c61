"""An ablation: a question, the rows of its table and the overrides that each row stands for."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.config.decode import typed
from mmprolong.config.groups import ABLATION, ABLATIONS, PUBLISHED, TABLES, elsewhere, files_in, groups, named, shown
from mmprolong.config.keys import SWEEP, key_of
from mmprolong.errors import ConfigError, Keys, Wrong, WrongValues, nearest, refuse

_HEADER = re.compile(r"(\s*#.*\n)*?\s*#\s*@package\s+_global_\s*$", re.MULTILINE)
_MARK = re.compile(r' in "<unicode string>", line (\d+), column \d+')
"""Where YAML's decoder is."""
_ONCE = "a sweep has one: set it when you launch"
_FOR_ALL = {"seed": "name seeds in sweep.seeds", "cluster": _ONCE, "paths": _ONCE, "tracking": _ONCE}
"""What no row can set, and what to do instead."""
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
    written: Mapping[str, Keys]
    """By override, if the ablation sets it: the key under which it is written."""


def read_ablation(name: str) -> Ablation:
    """The ablation as its file says it.

    Raises:
        ConfigError: there is no such file, or it is wrong; names file and key.
    """
    ablation = read_draft(name)
    with _in_file(files_in(ABLATIONS)[name]):
        refuse(problems(ablation))
    return ablation


def read_draft(name: str) -> Ablation:
    """The ablation as its file says it, as far as its rows can be planned: it may still have `problems`.

    Raises:
        ConfigError: there is no such file, or it is wrong; names file and key.
    """
    path = named(ABLATIONS, name, ABLATION)
    try:
        text = path.read_text(encoding="utf-8")
        content = msgspec.yaml.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        lines = [f":{line}" for line in _MARK.findall(str(error))]
        says = " ".join(_MARK.sub("", str(error)).split())
        raise ConfigError(f"{shown(path)}{lines[-1] if lines else ''}: {says}") from error
    block = content.get(SWEEP) if isinstance(content, dict) else None
    if not isinstance(block, dict):
        raise ConfigError(f"{shown(path)}: has no block `sweep:` with name, question, source, baseline and points")
    if not _HEADER.match(text):
        raise ConfigError(f"{shown(path)}: does not begin with the line `# @package _global_`; add it")
    with _in_file(path):
        ablation = draft(block)
        if ablation.name != name:
            raise WrongValues(Wrong("sweep.name", f"{ablation.name!r}; call it {name!r}, as its file"))
    return ablation


@contextmanager
def _in_file(path: Path) -> Iterator[None]:
    """Let errors say in which line of the ablation's file they are."""
    try:
        yield
    except WrongValues as error:
        from mmprolong.config.layer import Layer
        from mmprolong.config.provenance import Origins

        origins = Origins(lambda _: [Layer(path)])
        raise WrongValues(*map(origins.placed, error.wrong)) from error


def draft(block: Any) -> Ablation:
    """A `sweep:` block as far as its rows can be planned: it may still have `problems`.

    Raises:
        ConfigError: a key is missing, unknown or of the wrong type; a label or seed repeats; a row sets nothing.
    """
    if not isinstance(block, Mapping):
        raise WrongValues(Wrong(SWEEP, f"{block!r}; it is a block of keys: set sweep.seeds=..., sweep.baseline=..."))
    if not block:
        raise ConfigError("sweep: no ablation was chosen; add +ablation=NAME")
    allowed = Ablation.__dataclass_fields__
    wrong = [Wrong(f"sweep.{key}", f"unknown; {nearest(key, allowed)}") for key in block if key not in allowed]
    for name in ("grid", "zip"):
        if not isinstance(block.get(name, []), list):
            says = "is no list of axes; write one: [{label: [key=value], ...}, {label: [key=value], ...}]"
            wrong.append(Wrong(f"sweep.{name}", says))
    for keys, texts in _written(block.get):
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            says = f"the label {keys[-1]!r} stands for {texts!r}; write a list of overrides: [key=value]"
            wrong.append(Wrong(SWEEP, says, at=keys))
    refuse(wrong)
    ablation = typed(block, Ablation, SWEEP)
    wrong = [*_wrong_rows(ablation)]
    if wrong:
        raise WrongValues(*wrong, *problems(ablation))
    return ablation


def problems(ablation: Ablation) -> list[Wrong]:
    """What is wrong with an ablation whose rows can be planned all the same."""
    rows = labels(ablation)
    wrong = []
    if rows and ablation.baseline not in rows:
        says = f"{ablation.baseline!r} is no label; {nearest(ablation.baseline, rows)}"
        wrong.append(Wrong("sweep.baseline", says))
    for keys, texts in _written(partial(getattr, ablation)):
        for at, text in enumerate(texts):
            instead = _FOR_ALL.get(key_of(text).partition(".")[0])
            if instead:
                wrong.append(Wrong(SWEEP, f"the label {keys[-1]!r} sets {text}; {instead}", at=(*keys, at)))
    wrong += _not_in("table", ablation.table, list(files_in(TABLES)))
    wrong += _not_in("published", ablation.published, [path.name for path in files_in(PUBLISHED).values()])
    if ablation.published and not ablation.table:
        why = "without a table nothing shows it; name one of analysis/tables in sweep.table, or leave it out"
        wrong.append(Wrong("sweep.published", f"{ablation.published!r}, but {why}"))
    return wrong


def labels(ablation: Ablation) -> Axis:
    """Overrides by label, in the order of the table."""
    return {label: [text for _, text in own] for label, own in _rows(ablation)}


def points(ablation: Ablation, overrides: Sequence[str]) -> list[PointSpec]:
    """Every row at every seed; a row's own overrides win over the user's."""
    base = [*overrides, f"+ablation={ablation.name}"]
    return [_point(base, label, own, seed) for label, own in _rows(ablation) for seed in ablation.seeds]


def set_by_rows(ablation: Ablation, keys: Iterable[str]) -> list[str]:
    """Those of `keys` that several rows set, or a block that they are in, so that nobody else can."""
    times = Counter(key for _, own in _rows(ablation) for key in {key_of(text) for _, text in own})
    several = {key for key, number in times.items() if number > 1} | {"seed"}
    blocks = [f"{key}." for key in several if key not in groups()]
    return [key for key in keys if key in several or any(key.startswith(block) for block in blocks)]


def _point(base: Sequence[str], label: str, own: Sequence[tuple[Keys, str]], seed: int) -> PointSpec:
    last = f"seed={seed}"
    written = {text: keys for keys, text in own} | {last: (SWEEP, "seeds")}
    return PointSpec(label=label, seed=seed, overrides=(*base, *(text for _, text in own), last), written=written)


def _rows(ablation: Ablation) -> Iterator[tuple[str, Sequence[tuple[Keys, str]]]]:
    """Label of every row, and its overrides with the keys under which they are written."""
    points, *axes = (_labelled(keys, axis) for keys, axis in _axes(partial(getattr, ablation)))
    grid, zipped = axes[: len(ablation.grid)], axes[len(ablation.grid) :]
    yield from points
    for combination in [*(product(*grid) if grid else ()), *zip(*zipped, strict=False)]:
        yield AXES.join(label for label, _ in combination), [each for _, own in combination for each in own]


def _labelled(keys: Keys, axis: Axis) -> list[tuple[str, list[tuple[Keys, str]]]]:
    return [(label, [((*keys, label, at), text) for at, text in enumerate(texts)]) for label, texts in axis.items()]


def _axes(get: Callable[[str], Any]) -> Iterator[tuple[Keys, Any]]:
    """The points and every axis, of whatever type, and where they are written."""
    yield (SWEEP, "points"), get("points")
    for name in ("grid", "zip"):
        found = get(name)
        yield from (((SWEEP, name, at), axis) for at, axis in enumerate(found if isinstance(found, list) else ()))


def _written(get: Callable[[str], Any]) -> Iterator[tuple[Keys, Any]]:
    """What stands for each label of the points and axes, and where it is written."""
    axes = ((keys, axis) for keys, axis in _axes(get) if isinstance(axis, Mapping))
    return (((*keys, label), texts) for keys, axis in axes for label, texts in axis.items())


def _wrong_rows(ablation: Ablation) -> Iterator[Wrong]:
    lengths = [len(axis) for axis in ablation.zip]
    if len(set(lengths)) > 1:
        says = f"axes of {lengths} labels; give all as many, or combine each with each by `grid`"
        yield Wrong("sweep.zip", says)
    rows = Counter(label for label, _ in _rows(ablation))
    for label, number in rows.items():
        if number > 1:
            yield Wrong(SWEEP, f"two rows are called {label!r}; give each a label of its own")
    if not rows:
        yield Wrong(SWEEP, "no points, no grid and no zip; name at least one row")
    for keys, texts in _written(partial(getattr, ablation)):
        label = str(keys[-1])
        if not label.isprintable() or label != label.strip() or not label:
            yield Wrong(SWEEP, f"the label {label!r} cannot be printed as it is; use visible letters", at=keys)
        if not texts or not all(text.strip() for text in texts):
            yield Wrong(SWEEP, f"the label {label!r} has no override; say what it stands for", at=keys)
    seeds = ablation.seeds
    if len(set(seeds)) != len(seeds) or min(seeds, default=-1) < 0:
        yield Wrong("sweep.seeds", f"{seeds}; name one or more, each once, from 0 on")


def _not_in(key: str, name: str, allowed: Sequence[str]) -> list[Wrong]:
    says = f"{name!r} is not in analysis; {nearest(name, allowed)}; {elsewhere()}"
    return [Wrong(f"sweep.{key}", says)] if name and name not in allowed else []
