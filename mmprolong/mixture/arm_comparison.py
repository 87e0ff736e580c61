"""Prove that two arms differ in one declared factor and in what follows from it; all else is a second difference."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec

from mmprolong.mixture.counterfactual import read_measured, read_packs
from mmprolong.plugins import identity_of
from mmprolong.records import Pack
from mmprolong.settings.knobs import Config
from mmprolong.store.fingerprint import leaves

_ALL = ("documents", "order", "packs", "updates", "tokens", "supervised tokens", "padding")
_LENGTHS = ("tokens", "supervised tokens", "padding")
_FOLLOWS = (
    ("*.mixture.tokens", _ALL),
    ("*.mixture.sequence_length", _ALL),
    ("*.components.*.share", _ALL),
    ("*.components.*.repeats", _ALL),
    ("*.components.*.lengths.*", _ALL),
    ("*.components.*.source", _LENGTHS),
    ("*.components.*.tasks*", _LENGTHS),
    ("*.optimizer.tokens_per_update", ("updates",)),
    ("sources.*", _LENGTHS),
    ("sources.*.questions_per_example", _ALL),
    ("view.*", _ALL),
    ("model.backbone*", _ALL),
    ("model.native_context", _ALL),
    ("corpus.*", _ALL),
    ("selection.*", _ALL),
    ("*seed", ("documents", "order", "tokens", "supervised tokens", "padding", "packs", "updates")),
)
"""What of the data may differ where a setting does; a setting that is not here changes none of them."""


@dataclass(frozen=True)
class PhaseData:
    """The training data of one phase of an arm."""

    packs: Sequence[Pack]
    documents: Mapping[str, str]
    """Document of every example."""
    sequence_length: int
    """Capacity of a pack [tokens]."""
    tokens_per_update: int

    @classmethod
    def read(cls, mixture: Path, measured: Iterable[Path], settings: Mapping[str, Any]) -> Self:
        """Return the phase of a finished mixture.

        Args:
            measured: folders of its measurements.
            settings: of the phase, as plain values.
        """
        documents = {name: row.cluster for name, row in read_measured(measured).items()}
        capacity = settings["mixture"]["sequence_length"]
        return cls(read_packs(mixture), documents, capacity, settings["optimizer"]["tokens_per_update"])

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What must be equal, by name."""
        shown = [[self.documents[name] for name in pack.examples] for pack in self.packs]
        tokens = sum(pack.tokens for pack in self.packs)
        return {
            "documents": Counter(name for pack in shown for name in pack),
            "order": shown,
            "packs": len(self.packs),
            "updates": -(-len(self.packs) // max(1, self.tokens_per_update // self.sequence_length)),
            "tokens": tokens,
            "supervised tokens": sum(sum(pack.supervised) for pack in self.packs),
            "padding": self.sequence_length * len(self.packs) - tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """All that makes the result of one arm at one seed."""

    settings: Mapping[str, Any]
    """Values that name its steps, by key."""
    phases: Mapping[str, PhaseData] = field(default_factory=dict)
    made_by: Mapping[str, str] = field(default_factory=dict)
    """Code, packages and hardware of its finished steps, by name."""


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One line of the proof."""

    name: str
    a: str
    b: str
    verdict: str
    """`equal`, `declared`, `follows`, or `second`."""
    residual: str = ""
    """How far apart they are."""


def compare(a: Arm, b: Arm, factors: Sequence[str]) -> list[ProofRow]:
    """Return every setting that differs, and every fact of the training data, with a verdict.

    Args:
        factors: keys, or beginnings of keys, of the settings that are to differ; `*` stands for any letters.
    """
    rows = []
    for key in sorted({*a.settings, *b.settings}):
        if _differs(a.settings.get(key), b.settings.get(key)):
            verdict = "declared" if _is_declared(key, factors) else "second"
            rows.append(ProofRow(key, _told(a.settings.get(key)), _told(b.settings.get(key)), verdict))
    allowed = {name for row in rows if row.verdict == "declared" for name in _following(row.name)}
    for name in sorted({*a.phases, *b.phases}):
        rows += _phase_rows(name, a.phases.get(name), b.phases.get(name), allowed)
    for name in sorted(a.made_by.keys() & b.made_by.keys()):
        verdict = "equal" if a.made_by[name] == b.made_by[name] else "second"
        rows.append(ProofRow(name, a.made_by[name], b.made_by[name], verdict))
    return rows


def settings_of_arm(config: Mapping[str, Any], roles: Iterable[str]) -> dict[str, Any]:
    """Return the values that make the result of a run, by key: those of what it uses, and of no place or machine.

    Args:
        config: complete configuration, as plain values.
        roles: of its steps.
    """
    whole = dict(leaves(identity_of(msgspec.convert(config, Config), whole=True)))
    names = list(roles)
    used = {*names, *(role.partition(".")[2] for role in names)}

    def is_used(first: str, second: str = "", *_: str) -> bool:
        if first in ("sources", "phases") and second:
            return second in used
        if first in ("corpus", "selection"):
            return first in used
        return first not in ("cluster", "tracking", "paths", "training")

    return {key: value for key, value in whole.items() if is_used(*key.split("."))}


def second_differences(rows: Iterable[ProofRow]) -> list[str]:
    """Return the names of the rows that the declared factor does not explain."""
    return [row.name for row in rows if row.verdict == "second"]


def _phase_rows(name: str, a: PhaseData | None, b: PhaseData | None, allowed: set[str]) -> Iterator[ProofRow]:
    if a is None or b is None:
        yield ProofRow(f"{name}: phase", _told(a and "trained"), _told(b and "trained"), "second")
        return
    for fact, one in a.facts.items():
        other = b.facts[fact]
        verdict = "equal" if one == other else "follows" if fact in allowed else "second"
        yield ProofRow(f"{name}: {fact}", _shown(one), _shown(other), verdict, _residual(one, other))


def _following(key: str) -> Iterator[str]:
    for pattern, facts in _FOLLOWS:
        if fnmatchcase(key, pattern):
            yield from facts


def _is_declared(key: str, factors: Sequence[str]) -> bool:
    return any(fnmatchcase(key, factor) or fnmatchcase(key, f"{factor}.*") for factor in factors)


def _differs(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)


def _told(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


def _shown(fact: Any) -> str:
    """Return numbers as they are; of documents their number, of an order its digest."""
    if isinstance(fact, Counter):
        return f"{fact.total():,} uses of {len(fact):,}"
    if isinstance(fact, list):
        return hashlib.sha256(json.dumps(fact).encode()).hexdigest()[:8]
    return f"{fact:,}"


def _residual(one: Any, other: Any) -> str:
    if one == other:
        return ""
    if isinstance(one, Counter):
        return f"{(one - other).total():,} only in A, {(other - one).total():,} only in B"
    if isinstance(one, list):
        places = sum(first != second for first, second in zip(one, other, strict=False)) + abs(len(one) - len(other))
        return f"{places:,} packs"
    return f"{other - one:+,} ({(other - one) / max(one, 1):+.3%})"
