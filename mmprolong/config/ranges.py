"""What each value may be, by the field that holds it. What several values must be together is in `checks`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any

from mmprolong.errors import Wrong, nearest
from mmprolong.evaluation.lengths import is_length
from mmprolong.plugins import names
from mmprolong.settings.knobs import (
    Cluster,
    Corpus,
    Job,
    LengthDistribution,
    Mixture,
    Model,
    Optimizer,
    Paths,
    Phase,
    Rope,
    Source,
    Suite,
    Tracking,
    Training,
)
from mmprolong.settings.stages import STAGES

Rule = Callable[[str, Any], Iterator[Wrong]]
"""From a key and its value to what is wrong."""


def must(holds: Callable[[Any], bool], allowed: str) -> Rule:
    """The value must be so."""

    def rule(key: str, value: Any) -> Iterator[Wrong]:
        if not holds(value):
            yield Wrong(key, f"{value!r}; allowed: {allowed}")

    return rule


def at_least(least: int) -> Rule:
    """A finite number that is not smaller."""
    return must(lambda value: least <= value < inf, f"{least} or more")


def one_of(allowed: Iterable[str]) -> Rule:
    """One of these names."""

    def rule(key: str, value: str) -> Iterator[Wrong]:
        if value not in known:
            yield Wrong(key, f"{value!r} is unknown; {nearest(value, known)}")

    known = frozenset(allowed)
    return rule


def a_file_of(folder: str) -> Rule:
    """A plug-in of a folder of the package, which is its registry."""
    return lambda key, value: one_of(_plugins(folder))(key, value)


def each(rule: Rule) -> Rule:
    """Every item of a list, or every value of a mapping."""

    def every(key: str, value: list[Any] | dict[str, Any]) -> Iterator[Wrong]:
        if isinstance(value, dict):
            yield from (wrong for name, one in value.items() for wrong in rule(f"{key}.{name}", one))
        else:
            for at, one in enumerate(value):
                yield from (replace(wrong, at=(*key.split("."), at)) for wrong in rule(key, one))

    return every


def names_among(allowed: Iterable[str]) -> Rule:
    """A mapping whose names are among these."""

    def rule(key: str, value: Iterable[str]) -> Iterator[Wrong]:
        for name in value:
            if name not in known:
                yield Wrong(f"{key}.{name}", f"unknown; {nearest(name, known)}")

    known = frozenset(allowed)
    return rule


def by_stage(*more: str) -> Rule:
    """A mapping by stages, and by `more` names."""
    return names_among((*STAGES, *more))


def both(one: Rule, other: Rule) -> Rule:
    """What breaks either."""
    return lambda key, value: chain(one(key, value), other(key, value))


ABOVE_0 = must(lambda value: 0 < value < inf, "more than 0")
SHARE = must(lambda value: 0 <= value <= 1, "0 to 1")
BELOW_1 = must(lambda value: 0 <= value < 1, "0 or more, below 1")
FINITE = must(lambda value: value is None or -inf < value < inf, "a finite number, or null")
SPAN = must(lambda value: len(value) == 2 and 1 <= value[0] <= value[1], "[shortest, longest], from 1 page on")
STAGE_NUMBERS = both(by_stage(), each(at_least(0)))

RULES: dict[type, dict[str, Rule]] = {
    Corpus: {
        "renderer": a_file_of("images/renderers"),
        "dpi": at_least(1),
        "thumbnail": at_least(0),
        "heldout": SHARE,
        "seconds": at_least(1),
        "memory": at_least(1),
    },
    Source: {
        "writer": one_of(("stamps", "template")),
        "split": one_of(("train", "heldout")),
        "documents": at_least(0),
        "pages": each(SPAN),
        "turns": at_least(1),
        "seed": at_least(0),
    },
    LengthDistribution: {"edges": each(at_least(0)), "tilt": FINITE},
    Mixture: {
        "tokens": at_least(0),
        "supervision": each(at_least(0)),
        "task_mix": each(at_least(0)),
        "short": SHARE,
        "pack": at_least(1),
    },
    Rope: {"factor": at_least(0)},
    Optimizer: {
        "peak": at_least(0),
        "final": at_least(0),
        "warmup": SHARE,
        "batch": at_least(1),
        "weight_decay": at_least(0),
        "beta1": BELOW_1,
        "beta2": BELOW_1,
        "clip": ABOVE_0,
        "frozen": each(one_of(("vision", "merger", "language"))),
    },
    Phase: {"objective": a_file_of("training/objectives"), "seed": at_least(0)},
    Model: {
        "backbone": a_file_of("models/backbones"),
        "window": at_least(1),
        "dtype": one_of(("float16", "bfloat16", "float32", "float64")),
    },
    Training: {"threads": at_least(1), "checkpoint_seconds": at_least(0)},
    Suite: {
        "labels": each(must(is_length, "lengths such as 4x, 64K or 1M")),
        "benchmark": a_file_of("evaluation/benchmarks"),
        "scorer": a_file_of("evaluation/scorers"),
        "new_tokens": at_least(1),
        "batch": at_least(1),
    },
    Job: {
        "nodes": at_least(1),
        "gpus": at_least(0),
        "cpus": at_least(1),
        "memory": at_least(0),
        "minutes": at_least(1),
        "parallel": at_least(1),
    },
    Cluster: {
        "launcher": one_of(("processes", "slurm")),
        "processes": at_least(0),
        "jobs": by_stage("default"),
        "array": at_least(1),
        "warning": at_least(0),
        "gpu_price": at_least(0),
        "cpu_price": at_least(0),
        "training_tokens_per_second": ABOVE_0,
        "step_seconds": STAGE_NUMBERS,
        "step_megabytes": STAGE_NUMBERS,
    },
    Paths: {"store": must(bool, "the name of a folder")},
    Tracking: {"mode": one_of(("offline", "online", "off"))},
}
"""A field that is not here may be anything of its type."""


def out_of_range(settings: Any, key: str = "") -> Iterator[Wrong]:
    """Every value of `settings`, and of the settings in it, that breaks its rule."""
    rules = RULES.get(type(settings), {})
    for entry in fields(settings):
        value, where = getattr(settings, entry.name), f"{key}.{entry.name}".lstrip(".")
        if entry.name in rules:
            yield from rules[entry.name](where, value)
        for name, one in _inner(where, value):
            yield from out_of_range(one, name)


def _inner(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The settings that a value is or holds, and their keys."""
    named = {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
    return ((name, one) for name, one in named.items() if is_dataclass(one))


@cache
def _plugins(folder: str) -> tuple[str, ...]:
    return tuple(names(Path(__file__).parents[1] / folder))
