"""`mmprolong why` and `mmprolong diff`: the settings and inputs of steps, and the differences of two."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.text import Text
from rich.tree import Tree

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, find_point, is_ablation, is_finished
from mmprolong.cli.terminal import Terminal, span, table
from mmprolong.errors import Confounded
from mmprolong.mixture.arm_comparison import Arm, PhaseData, compare, second_differences, settings_of_arm
from mmprolong.mixture.counterfactual import compare_drawn
from mmprolong.pipeline.plan import Point
from mmprolong.pipeline.steps import stage_of
from mmprolong.store.fingerprint import digest, leaves
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import Store


@click.command()
@click.argument("step")
@stored
def why(step: str, store: Store) -> None:
    """Show the stage, version, settings and inputs of a step, down to the pool.

    STEP is an id, its beginning or its hash.
    """
    steps = Steps(store)
    Terminal().print(_tree(steps, steps.find(step), "", set()))


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="KEY",
    help="Setting in which two runs are to differ, `*` for any letters; else the ablation's own.",
)
@stored
def diff(a: str, b: str, factors: tuple[str, ...], store: Store) -> None:
    """Compare two steps, or two runs of a sweep (ABLATION/ARM[/SEED]); of mixtures, also the examples.

    Of two runs whose factor is declared it proves that all else is equal, and fails if something is not.
    """
    steps, console = Steps(store), Terminal()
    if is_ablation(store, a):
        _compare_points(steps, a, b, factors, console)
        return
    one, other = steps.find(a), steps.find(b)
    console.say(f"A {one.path}\nB {other.path}")
    rows = _differences(steps, one.path, other.path, one.stage, set())
    console.print(table("", ("step", "differs in", "A", "B"), rows, text=("differs in", "A", "B")))
    _print_examples(steps, one, other, console)


def _compare_points(steps: Steps, a: str, b: str, factors: Sequence[str], console: Terminal) -> None:
    """Print what two runs differ in, and whether it is the factor that they are to differ in.

    Raises:
        Confounded: it is more.
    """
    (plan, one), (other_plan, other) = find_point(steps.store, a), find_point(steps.store, b)
    names = [f"{plan.ablation}/{one.label}/s{one.seed}", f"{other_plan.ablation}/{other.label}/s{other.seed}"]
    factors = factors or (plan.factor if plan.ablation == other_plan.ablation else ())
    rows = compare(_arm(steps, one), _arm(steps, other), factors)
    console.say(f"A {names[0]}\nB {names[1]}")
    apart = [
        (row.name, row.a, row.b, row.residual, *([row.verdict] if factors else [])) for row in rows if row.a != row.b
    ]
    columns = ("differs in", "A", "B", "residual", *(["verdict"] if factors else []))
    console.print(table("", columns, apart, text=columns))
    console.say(f"{len(rows) - len(apart)} other facts of data, code, packages and hardware are equal")
    for role in (role for role in one.steps if stage_of(role) == "mixture" and role in other.steps):
        left, right = (steps.get(f"mixture/{point.steps[role]}") for point in (one, other))
        _print_examples(steps, left, right, console)
    if not factors:
        console.say("no factor is declared: give --factor KEY, or `factor` in the ablation's file")
        return
    if seconds := second_differences(rows):
        raise Confounded(f"{a}, {b}: differ in {', '.join(seconds)}, too; the declared factor is {', '.join(factors)}")
    console.say(f"equal in all but the declared factor {', '.join(factors)} and what follows from it")


def _arm(steps: Steps, point: Point) -> Arm:
    phases: dict[str, PhaseData] = {}
    made_by: dict[str, str] = {}
    for role, name in point.steps.items():
        stage, _, phase = role.partition(".")
        step = steps.get(f"{stage}/{name}")
        if stage == "mixture" and is_finished(step):
            folder, settings = steps.store.root / step.path, point.config["phases"][phase]
            phases[phase] = PhaseData.read(folder, _measured(steps.store, step), settings)
        if stage == "training" and is_finished(step):
            made_by |= {f"{role}: code": digest(step.code), f"{role}: packages": digest(step.packages)}
            made_by[f"{role}: hardware"] = step.hardware
    return Arm(settings=settings_of_arm(point.config, point.steps), phases=phases, made_by=made_by)


def _differences(steps: Steps, a: str, b: str, role: str, seen: set[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """Yield role, key and both values of what two steps and their inputs differ in, inputs first, each pair once."""
    if a == b or (a, b) in seen:
        return
    seen.add((a, b))
    one, other = steps.get(a), steps.get(b)
    for name, path in one.needs.items():
        if name in other.needs:
            yield from _differences(steps, path, other.needs[name], f"{role} > {name}", seen)
    left, right = (
        {"stage": each.stage, "version": each.version, **dict(leaves(each.all_settings))}
        | {name: path for name, path in each.needs.items() if name not in one.needs.keys() & other.needs.keys()}
        for each in (one, other)
    )
    for key in dict.fromkeys([*left, *right]):
        values = [json.dumps(each[key], ensure_ascii=False) if key in each else "-" for each in (left, right)]
        if values[0] != values[1]:
            yield role, key, *values


def _tree(steps: Steps, step: RunRecord, role: str, seen: set[str]) -> Tree:
    """Draw a step and its inputs; one that was drawn before is named only."""
    head = Text.assemble(f"{role}: " if role else "", (step.id, "bold"), f"  {step.stage}, version {step.version}")
    if step.path in seen:
        return Tree(head.append("  (see above)", style="dim"))
    seen.add(step.path)
    tree = Tree(head if is_finished(step) else head.append("  not finished", style="yellow"))
    for key, value in sorted(leaves(step.settings)):
        tree.add(Text(f"{key} = {json.dumps(value, ensure_ascii=False)}"))
    for name, path in step.needs.items():
        tree.children.append(_tree(steps, steps.get(path), name, seen))
    return tree


def _print_examples(steps: Steps, a: RunRecord, b: RunRecord, console: Terminal) -> None:
    """Count the examples that two finished mixtures share, by task and by length; nothing of other steps."""
    if a.path == b.path or not all(each.stage == "mixture" and is_finished(each) for each in (a, b)):
        return
    root, measured = steps.store.root, [*_measured(steps.store, a), *_measured(steps.store, b)]
    by_task, by_length = compare_drawn(root / a.path, root / b.path, measured)
    lengths = {span(1 << int(power), 2 << int(power)): part for power, part in by_length.items()}
    for name, parts in (("task", by_task), ("tokens of an example", lengths)):
        columns = (name, "in both", "tokens", "only A", "tokens", "only B", "tokens")
        rows = [(key, *one.both, *one.only_a, *one.only_b) for key, one in parts.items()]
        console.print(table(f"A {a.id}, B {b.id}", columns, rows))


def _measured(store: Store, mixture: RunRecord) -> list[Path]:
    """Return the folders of the measurements that a mixture was drawn from."""
    return [store.root / path for role, path in mixture.needs.items() if stage_of(role) == "measurement"]
