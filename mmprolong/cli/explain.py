"""`mmprolong why` and `mmprolong diff`: what steps are made of, and why two of them differ."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rich.text import Text
from rich.tree import Tree

from mmprolong.cli.lookup import KnownStep, Steps, find_point, is_ablation
from mmprolong.cli.terminal import Terminal, span, table
from mmprolong.errors import ConfigError
from mmprolong.mixture.counterfactual import Shared, shared, shared_by
from mmprolong.pipeline.steps import stage_of
from mmprolong.records import Measured, Pack, read_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.store.store import Store


class _Difference(NamedTuple):
    """One thing that two steps have otherwise."""

    where: str
    """Roles from the steps that are compared down to the step that differs."""
    key: str
    a: str
    b: str


def why(arguments: argparse.Namespace) -> None:
    """Show what a step's id is made of: stage, version, settings, and the ids of its inputs, down to the pool."""
    steps = Steps(Store(Path(arguments.store)))
    Terminal().print(_tree(steps, steps.find(arguments.step, points=False), "", set()))


def diff(arguments: argparse.Namespace) -> None:
    """Say why two steps, or two runs of a sweep, differ; for mixtures also which examples they do not share."""
    steps, console = Steps(Store(Path(arguments.store))), Terminal()
    points = [is_ablation(steps.store, text) for text in (arguments.a, arguments.b)]
    if any(points) and not all(points):
        raise ConfigError(f"diff {arguments.a!r} {arguments.b!r}: a point and a step; give two of one kind")
    if all(points):
        _diff_points(steps, arguments.a, arguments.b, console)
    else:
        _diff_steps(steps, steps.find(arguments.a), steps.find(arguments.b), console)


def _tree(steps: Steps, step: KnownStep, role: str, seen: set[str]) -> Tree:
    """Draw the step and what it needs; what was shown before is named only."""
    head = Text.assemble(f"{role}: " if role else "", (step.id, "bold"), f"  {step.stage}, version {step.version}")
    if step.path in seen:
        return Tree(head.append("  (see above)", style="dim"))
    seen.add(step.path)
    tree = Tree(head if step.finished else head.append("  not finished", style="yellow"))
    for key, value in sorted(_flat(step.settings).items()):
        tree.add(Text(f"{key} = {json.dumps(value, ensure_ascii=False)}"))
    if not step.settings:
        tree.add(Text("every setting at its default", style="dim"))
    for name, path in step.needs.items():
        tree.children.append(_tree(steps, steps.get(path), name, seen))
    return tree


def _diff_points(steps: Steps, a: str, b: str, console: Terminal) -> None:
    """Compare role by role; steps whose inputs alone differ are only counted."""
    (name_a, roles_a), (name_b, roles_b) = (_resolved(steps.store, text) for text in (a, b))
    roles = list(dict.fromkeys([*roles_a, *roles_b]))
    apart = [role for role in roles if roles_a.get(role) != roles_b.get(role)]
    if not apart:
        console.say(f"{name_a} and {name_b} are the same {len(roles)} steps")
        return
    found: list[_Difference] = []
    mixtures: list[tuple[KnownStep, KnownStep]] = []
    for role in apart:
        if role not in roles_a or role not in roles_b:
            found.append(_Difference(role, "step", roles_a.get(role, "-"), roles_b.get(role, "-")))
            continue
        one, other = (steps.get(f"{stage_of(role)}/{each[role]}") for each in (roles_a, roles_b))
        found += list(_own(one, other, role)) or [_Difference(role, "only its inputs", one.id, other.id)]
        if one.stage == "mixture":
            mixtures.append((one, other))
    console.say(f"{len(roles) - len(apart)} of {len(roles)} steps are shared; they part first at {apart[0]}")
    _print(found, name_a, name_b, console)
    for one, other in mixtures:
        _print_examples(steps, one, other, console)


def _resolved(store: Store, text: str) -> tuple[str, Mapping[str, str]]:
    """Return the whole name of the point that was typed, and its steps by role."""
    plan, point = find_point(store, text)
    return f"{plan.ablation}/{point.label}/s{point.seed}", point.steps


def _diff_steps(steps: Steps, a: KnownStep, b: KnownStep, console: Terminal) -> None:
    if a.path == b.path:
        console.say(f"{a.path} is the same step as itself; mmprolong why {a.id} says what it is made of")
        return
    found = list(_walk(steps, a, b, "", set()))
    console.say(f"they part first at {found[0].where or 'the steps themselves'}")
    _print(found, a.path, b.path, console)
    if a.stage == b.stage == "mixture":
        _print_examples(steps, a, b, console)


def _walk(steps: Steps, a: KnownStep, b: KnownStep, where: str, seen: set[tuple[str, str]]) -> Iterator[_Difference]:
    """Yield differences of inputs before those of the steps that need them, so that the first is where they part."""
    if (a.path, b.path) in seen:
        return
    seen.add((a.path, b.path))
    for role in dict.fromkeys([*a.needs, *b.needs]):
        one, other = a.needs.get(role), b.needs.get(role)
        below = f"{where} > {role}" if where else role
        if one is None or other is None:
            yield _Difference(below, "step", one or "-", other or "-")
        elif one != other:
            yield from _walk(steps, steps.get(one), steps.get(other), below, seen)
    yield from _own(a, b, where)


def _own(a: KnownStep, b: KnownStep, where: str) -> Iterator[_Difference]:
    """Yield what differs in the steps themselves, not in their inputs; defaults are compared, too."""
    one, other = ({"stage": each.stage, "version": each.version, **_flat(each.all_settings)} for each in (a, b))
    for key in dict.fromkeys([*one, *other]):
        said = [json.dumps(each[key], ensure_ascii=False) if key in each else "-" for each in (one, other)]
        if said[0] != said[1]:
            yield _Difference(where, key, *said)


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, object]:
    """Return settings by dotted key."""
    found: dict[str, object] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) and value else {above + key: value}
    return found


def _print(found: Sequence[_Difference], a: str, b: str, console: Terminal) -> None:
    before = chain([""], (one.where or "(itself)" for one in found))
    names = (one.where or "(itself)" for one in found)
    rows = [("" if last == name else name, *one[1:]) for last, name, one in zip(before, names, found, strict=False)]
    console.say(f"A {a}\nB {b}")
    console.print(table("", ("step", "differs in", "A", "B"), rows, text=("differs in", "A", "B")))


def _print_examples(steps: Steps, a: KnownStep, b: KnownStep, console: Terminal) -> None:
    """Print what would change in the training data if B were trained on instead of A."""
    waiting = [step.path for step in (a, b) if not step.finished]
    if waiting:
        console.say(f"{waiting[0]}: not drawn yet, so examples cannot be compared")
        return
    counts = _drawn(steps.store, a), _drawn(steps.store, b)
    measured = _measured(steps.store, a) | _measured(steps.store, b)

    def parts(key: Callable[[Measured], str | int]) -> list[tuple[Any, Shared]]:
        return list(shared_by(key, *counts, measured).items())

    console.say(f"A {a.id}\nB {b.id}")
    lengths = [(span(1 << power, 2 << power), part) for power, part in parts(lambda one: one.tokens.bit_length() - 1)]
    by_task = [*parts(lambda one: one.task), ("all", shared(*counts, measured))]
    for name, rows in (("task", by_task), ("tokens of an example", lengths)):
        columns = (name, "in both", "tokens", "only A", "tokens", "only B", "tokens")
        console.print(table("", columns, [(key, *one.both, *one.only_a, *one.only_b) for key, one in rows]))


def _drawn(store: Store, step: KnownStep) -> Counter[str]:
    packs = read_jsonl(store.folder(step.stage, step.id) / "packs.jsonl", Pack)
    return Counter(name for pack in packs for name in pack.examples)


def _measured(store: Store, step: KnownStep) -> dict[str, Measured]:
    """Return the examples that a mixture was drawn from, by id; mixtures draw by the conversation `answer`."""
    folders = (store.root / path for role, path in step.needs.items() if stage_of(role) == "measurement")
    rows = (row for folder in folders for row in read_parquet(folder / "measured.parquet", Measured))
    return {row.example: row for row in rows if row.conversation == "answer"}
