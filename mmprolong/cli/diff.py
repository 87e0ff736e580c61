"""`mmprolong diff`."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from mmprolong.cli.lookup import KnownStep, Steps, add_store, find_point, is_ablation
from mmprolong.cli.tables import span, table
from mmprolong.cli.terminal import Terminal
from mmprolong.cli.why import flat
from mmprolong.errors import ConfigError
from mmprolong.mixture.counterfactual import Shared, shared, shared_by
from mmprolong.mixture.selection import Entry
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Pack, read_jsonl
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store


@dataclass(frozen=True, slots=True)
class _Difference:
    """One thing that two steps have otherwise."""

    where: str
    """Roles from the steps that are compared down to the step that differs; empty for these themselves."""
    key: str
    a: str
    b: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two steps, or two points."""
    for name in ("a", "b"):
        parser.add_argument(name, metavar=name.upper(), help="a step's id, or ABLATION/LABEL[/SEED]")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Why two steps, or two points of a sweep, are different; for mixtures also which instances they do not share."""
    steps = Steps(Store(Path(arguments.store)))
    console = Terminal()
    points = [is_ablation(steps.store, text) for text in (arguments.a, arguments.b)]
    if any(points) and not all(points):
        raise ConfigError(f"diff {arguments.a!r} {arguments.b!r}: a point and a step; give two of one kind")
    if all(points):
        _points(steps, arguments.a, arguments.b, console)
    else:
        _steps(steps, steps.find(arguments.a), steps.find(arguments.b), console)


def _points(steps: Steps, a: str, b: str, console: Terminal) -> None:
    """Role by role; steps whose inputs alone differ are only counted."""
    (a, ours), (b, theirs) = (_resolved(steps.store, text) for text in (a, b))
    roles = list(dict.fromkeys([*ours, *theirs]))
    apart = [role for role in roles if ours.get(role) != theirs.get(role)]
    if not apart:
        console.print(f"{a} and {b} are the same {len(roles)} steps", soft_wrap=True)
        return
    console.print(f"{len(roles) - len(apart)} of {len(roles)} steps are shared; they part first at {apart[0]}")
    console.print(f"A {a}\nB {b}", soft_wrap=True)
    console.print(_table(list(_by_role(steps, ours, theirs, apart))))
    for role in apart:
        if role.endswith(".mixture") and role in ours and role in theirs:
            _counterfactual(steps, steps.get(f"mixture/{ours[role]}"), steps.get(f"mixture/{theirs[role]}"), console)


def _resolved(store: Store, text: str) -> tuple[str, Mapping[str, str]]:
    """The whole name of the point that was typed, and its steps by role."""
    plan, point = find_point(store, text)
    return f"{plan.ablation}/{point.label}/s{point.seed}", point.steps


def _by_role(
    steps: Steps, ours: Mapping[str, str], theirs: Mapping[str, str], apart: list[str]
) -> Iterator[_Difference]:
    for role in apart:
        if role not in ours or role not in theirs:
            yield _Difference(role, "step", ours.get(role, "-"), theirs.get(role, "-"))
            continue
        stage = stage_of(role)
        own = list(_own(steps.get(f"{stage}/{ours[role]}"), steps.get(f"{stage}/{theirs[role]}"), role))
        yield from own or [_Difference(role, "only its inputs", ours[role], theirs[role])]


def _steps(steps: Steps, a: KnownStep, b: KnownStep, console: Terminal) -> None:
    if a.path == b.path:
        console.print(f"{a.path} is the same step as itself; mmprolong why {a.id} says what it is made of")
        return
    found = list(_walk(steps, a, b, "", set()))
    console.print(f"they part first at {found[0].where or 'the steps themselves'}")
    console.print(f"A {a.path}\nB {b.path}", soft_wrap=True)
    console.print(_table(found))
    if a.stage == b.stage == "mixture":
        _counterfactual(steps, a, b, console)


def _walk(steps: Steps, a: KnownStep, b: KnownStep, where: str, seen: set[tuple[str, str]]) -> Iterator[_Difference]:
    """Differences of inputs before those of the steps that need them, so that the first is where they part."""
    if (a.path, b.path) in seen:
        return
    seen.add((a.path, b.path))
    for role in dict.fromkeys([*a.needs, *b.needs]):
        ours, theirs = a.needs.get(role), b.needs.get(role)
        below = f"{where} > {role}" if where else role
        if ours is None or theirs is None:
            yield _Difference(below, "step", ours or "-", theirs or "-")
        elif ours != theirs:
            yield from _walk(steps, steps.get(ours), steps.get(theirs), below, seen)
    yield from _own(a, b, where)


def _own(a: KnownStep, b: KnownStep, where: str) -> Iterator[_Difference]:
    """What differs in the steps themselves, not in their inputs."""
    for key in ("stage", "version"):
        if getattr(a, key) != getattr(b, key):
            yield _Difference(where, key, str(getattr(a, key)), str(getattr(b, key)))
    ours, theirs = _complete(a), _complete(b)
    for key in dict.fromkeys([*ours, *theirs]):
        if ours.get(key) != theirs.get(key):
            yield _Difference(where, key, _shown(ours, key), _shown(theirs, key))


def _complete(step: KnownStep) -> dict[str, Any]:
    """The settings by dotted key, with their defaults."""
    settings = asdict(msgspec.convert(step.settings, type=STAGES[step.stage].settings))
    return {**flat(settings), **flat(step.settings)}


def _shown(settings: Mapping[str, Any], key: str) -> str:
    return json.dumps(settings[key], ensure_ascii=False) if key in settings else "-"


def _table(found: list[_Difference]) -> Table:
    rows = [
        ("" if before and before.where == one.where else one.where or "(itself)", one.key, one.a, one.b)
        for before, one in zip_longest([None, *found[:-1]], found)
    ]
    return table("", ("step", "differs in", "A", "B"), rows, text=("differs in", "A", "B"))


def _counterfactual(steps: Steps, a: KnownStep, b: KnownStep, console: Terminal) -> None:
    """What would change in the training data if B were trained on instead of A."""
    waiting = [step.path for step in (a, b) if not step.finished]
    if waiting:
        console.print(f"{waiting[0]}: not drawn yet, so instances cannot be compared", soft_wrap=True)
        return
    counts_a, counts_b = (_counts(steps.store, step) for step in (a, b))
    entries = _entries(steps.store, a) | _entries(steps.store, b)
    by_task = shared_by(lambda entry: entry.task, counts_a, counts_b, entries)
    by_length = shared_by(lambda entry: entry.tokens.bit_length() - 1, counts_a, counts_b, entries)
    whole = shared(counts_a, counts_b, entries)
    console.print(f"A {a.id}\nB {b.id}", soft_wrap=True)
    console.print(_shared_table("task", [*by_task.items(), ("all", whole)]))
    lengths = [(span(1 << int(power), 2 << int(power)), part) for power, part in by_length.items()]
    console.print(_shared_table("tokens of an instance", lengths))


def _counts(store: Store, step: KnownStep) -> Counter[str]:
    packs = read_jsonl(store.folder(step.stage, step.id) / "packs.jsonl", Pack)
    return Counter(name for pack in packs for name in pack.instances)


def _entries(store: Store, step: KnownStep) -> dict[str, Entry]:
    folders = (store.root / step.needs[role] for role in ("source", "short") if role in step.needs)
    return {one.id: one for folder in folders for one in read_jsonl(folder / "instances.jsonl", Entry)}


def _shared_table(name: str, parts: list[tuple[Any, Shared]]) -> Table:
    columns = (name, "in both", "tokens", "only A", "tokens", "only B", "tokens")
    return table("", columns, [(key, *one.both, *one.only_a, *one.only_b) for key, one in parts])
