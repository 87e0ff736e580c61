"""`mmprolong why` and `mmprolong diff`: the settings and inputs of steps, and the differences of two."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from rich.text import Text
from rich.tree import Tree

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, find_point, is_ablation, is_finished
from mmprolong.cli.terminal import Terminal, span, table
from mmprolong.errors import ConfigError, Confounded
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
    if is_ablation(store, a) != is_ablation(store, b):
        raise ConfigError(f"diff {a!r} {b!r}: a point and a step; give two of one kind")
    (name_a, below_a), (name_b, below_b) = (_below(steps, text) for text in (a, b))
    roles = list(dict.fromkeys([*below_a, *below_b]))
    apart = [role for role in roles if below_a.get(role) != below_b.get(role)]
    if not apart:
        console.say(f"{name_a} and {name_b} are the same, in all of {len(roles)} steps")
        return
    console.say(f"{len(roles) - len(apart)} of {len(roles)} steps are shared; they part first at {apart[0]}")
    console.say(f"A {name_a}\nB {name_b}")
    pairs: dict[tuple[str | None, str | None], str] = {}
    for role in apart:  # a step that several others need stands in the table once
        pairs.setdefault((below_a.get(role), below_b.get(role)), role)
    rows = [(role, *row) for pair, role in pairs.items() for row in _differences(steps, *pair)]
    console.print(table("", ("step", "differs in", "A", "B"), rows, text=("differs in", "A", "B")))
    for pair in pairs:
        one, other = (steps.get(path) if path else None for path in pair)
        if one and other and one.stage == "mixture" and is_finished(one) and is_finished(other):
            _print_examples(steps, one, other, console)
    if is_ablation(store, a):
        _prove(steps, a, b, factors, console)


def _prove(steps: Steps, a: str, b: str, factors: Sequence[str], console: Terminal) -> None:
    """Print what two runs differ in, and whether it is the factor that they are to differ in.

    Raises:
        Confounded: it is more.
    """
    (plan, one), (other_plan, other) = find_point(steps.store, a), find_point(steps.store, b)
    factors = factors or (plan.factor if plan.ablation == other_plan.ablation else ())
    if not factors:
        console.say("no factor is declared: give --factor KEY, or `factor` in the ablation's file")
        return
    rows = compare(_arm(steps, one), _arm(steps, other), factors)
    shown = [(row.name, row.a, row.b, row.verdict, row.residual) for row in rows]
    console.print(table(f"factor {', '.join(factors)}", ("", "A", "B", "verdict", "residual"), shown, text=("A", "B")))
    if seconds := second_differences(rows):
        raise Confounded(f"{a}, {b}: differ in {', '.join(seconds)}, too; the declared factor is {', '.join(factors)}")
    console.say("equal in all but the declared factor and what follows from it")


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


def _below(steps: Steps, text: str) -> tuple[str, dict[str, str]]:
    """Return the whole name of a point or a step, and its steps by role, inputs first."""
    if not is_ablation(steps.store, text):
        step = steps.find(text)
        return step.path, dict(_inputs(steps, step, ""))
    plan, point = find_point(steps.store, text)
    made_of = {role: f"{stage_of(role)}/{name}" for role, name in point.steps.items()}
    return f"{plan.ablation}/{point.label}/s{point.seed}", made_of


def _inputs(steps: Steps, step: RunRecord, where: str) -> Iterator[tuple[str, str]]:
    for role, path in step.needs.items():
        yield from _inputs(steps, steps.get(path), f"{where} > {role}" if where else role)
    yield where or "(itself)", step.path


def _differences(steps: Steps, a: str | None, b: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield key and both values of every difference of two steps themselves, defaults too."""
    if a is None or b is None:
        yield "step", a or "-", b or "-"
        return
    found = (steps.get(path) for path in (a, b))
    one, other = ({"stage": each.stage, "version": each.version, **dict(leaves(each.all_settings))} for each in found)
    keys = [key for key in dict.fromkeys([*one, *other]) if _shown(one, key) != _shown(other, key)]
    yield from ((key, _shown(one, key), _shown(other, key)) for key in keys)
    if not keys:
        yield "only its inputs", a, b


def _shown(settings: Mapping[str, object], key: str) -> str:
    return json.dumps(settings[key], ensure_ascii=False) if key in settings else "-"


def _tree(steps: Steps, step: RunRecord, role: str, seen: set[str]) -> Tree:
    """Draw a step and its inputs; one that was drawn before is named only."""
    head = Text.assemble(f"{role}: " if role else "", (step.id, "bold"), f"  {step.stage}, version {step.version}")
    if step.path in seen:
        return Tree(head.append("  (see above)", style="dim"))
    seen.add(step.path)
    tree = Tree(head if is_finished(step) else head.append("  not finished", style="yellow"))
    for key, value in sorted(leaves(step.settings)):
        tree.add(Text(f"{key} = {json.dumps(value, ensure_ascii=False)}"))
    if not step.settings:
        tree.add(Text("every setting at its default", style="dim"))
    for name, path in step.needs.items():
        tree.children.append(_tree(steps, steps.get(path), name, seen))
    return tree


def _print_examples(steps: Steps, a: RunRecord, b: RunRecord, console: Terminal) -> None:
    """Count the examples that two mixtures share, by task and by length."""
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
