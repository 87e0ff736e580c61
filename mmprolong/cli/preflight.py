"""`mmprolong preflight` and `mmprolong layouts`: whether training fits, what it costs, and how it can be spread."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.terminal import Terminal, table
from mmprolong.errors import ConfigError
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.models.shapes import Shape
    from mmprolong.pipeline.plan import Plan
    from mmprolong.training.preflight import Memory, Preflight, Time

_GIB = 2**30
_PARTS = {
    "language": ("language",),
    "attention": ("attention",),
    "vision": ("patches", "vision", "vision_attention"),
    "projector": ("projector",),
    "head": ("head",),
}
"""Columns of the FLOPs, and what they add up."""


class _Row(NamedTuple):
    """Training steps of one arm and phase, a seed each; the first stands for all."""

    arm: str
    phase: str
    seeds: int
    flight: "Preflight"
    time: "Time"
    memory: "Memory"


@click.command()
@overrides
@own_files
def preflight(overrides: tuple[str, ...]) -> None:
    """Predict time, memory and disk of the training of an ablation; refuse what does not fit."""
    from mmprolong.sweep.planning import make_plan
    from mmprolong.sweep.preflight import preflight

    console = Terminal()
    plan, config = make_plan(overrides)
    store, cluster = Store(Path(config.paths.store)), config.cluster
    arms = _unfinished(plan, store)
    if not arms:
        console.say("there is nothing to train, or all of it is finished")
        return
    flights = {name: preflight(plan, name, cluster, store) for names in arms.values() for name in names}
    for line in dict.fromkeys(line for flight in flights.values() for line in flight.assumed()):
        console.say(line)
    memory = {name: flight.memory() for name, flight in flights.items()}
    first = {key: flights[names[0]] for key, names in arms.items()}
    rows = [_Row(*key, len(names), first[key], first[key].time(), memory[names[0]]) for key, names in arms.items()]
    for title, columns, lines in (_times(rows), _flops(rows), _memory(rows)):
        console.print(table(title, ("arm", "phase", *columns), lines, text=("phase",)))
    for line in _heaviest(rows):
        console.say(line)
    hours = sum(row.flight.device_hours(row.time) * row.seeds for row in rows)
    price = cluster.gpu_price if any(row.flight.job.gpus for row in rows) else 0
    console.say(f"all seeds: {_amount(hours)} device-hours" + (f", price {hours * price:,.0f}" if price else ""))
    for name, flight in flights.items():
        for problem in flight.problems(memory[name]):
            raise ConfigError(f"{plan.steps[name].label}: {problem}")


@click.command()
@click.option("--model", required=True, help="A choice of model=, or the folder or hub name of a model.")
@click.option("--gpus", required=True, type=click.IntRange(1), metavar="N", help="All GPUs, of all nodes.")
@own_files
def layouts(model: str, gpus: int) -> None:
    """List how many GPUs may share each sequence of a model, and say why others may not."""
    from mmprolong.training.parallelism import sequences

    console, shape = Terminal(), _named_shape(model)
    text = shape.text
    console.say(f"{shape.name}: {text.heads} heads, {text.kv_heads} of keys and values ({shape.source})")
    rows = []
    for each in sequences(text, gpus):
        copied = "" if each.copies == 1 else f", each on {each.copies} ranks"
        held = each.data, f"{each.heads}", f"{each.kv_heads}{copied}"
        rows.append((each.ranks, *(("-",) * 3 if each.refused else held), each.refused or "yes"))
    heads = ("sequence", "data", "heads of a rank", "heads of keys and values", "possible")
    console.print(table("", heads, rows, text=heads[2:]))
    console.say("sequence: ranks that share each pack (training.engine.sequence); data: groups with packs of their own")


def _unfinished(plan: "Plan", store: Store) -> dict[tuple[str, str], list[str]]:
    """Return the training steps that are not finished, by arm and phase."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, step in plan.steps.items():
        if step.stage == "training" and not store.record(step.stage, name):
            _, arm, _, role = step.label.split("/")
            found.setdefault((arm, role.partition(".")[2]), []).append(name)
    return found


def _times(rows: list[_Row]) -> tuple[str, list[str], list[tuple[object, ...]]]:
    from mmprolong.sweep.view.console import duration

    lines: list[tuple[object, ...]] = []
    for arm, phase, seeds, flight, time, _ in rows:
        speed = time.tokens / time.seconds / flight.parallel.ranks
        shares = f"{time.update.seconds:,.3g}", f"{time.update.idle:.0%}", f"{time.utilisation:.0%}"
        hours = f"{speed:,.0f}", duration(time.seconds), _amount(flight.device_hours(time))
        lines.append((arm, phase, seeds, time.tokens, time.updates, *shares, *hours))
    columns = ["seeds", "tokens", "updates", "s/update", "idle", "MFU", "tokens/s/device", "time", "device-hours"]
    return "time of one seed", columns, lines


def _flops(rows: list[_Row]) -> tuple[str, list[str], list[tuple[object, ...]]]:
    lines: list[tuple[object, ...]] = []
    for row in rows:
        parts = [sum(getattr(row.time.flops, name) for name in names) for names in _PARTS.values()]
        shares = (f"{part / row.time.tokens / 1e9:,.3g}" for part in [*parts, row.time.flops.total])
        lines.append((row.arm, row.phase, *shares))
    return "GFLOP a token, forward, backward and recomputed", [*_PARTS, "all"], lines


def _memory(rows: list[_Row]) -> tuple[str, list[str], list[tuple[object, ...]]]:
    lines: list[tuple[object, ...]] = []
    for arm, phase, _, flight, _, memory in rows:
        parts = [f"{part / _GIB:.3g}" for part in (*memory.device.values(), sum(memory.device.values()))]
        has = f"{flight.hardware.memory:g}" if flight.hardware.memory else "-"
        lines.append((arm, phase, *parts, has, f"{memory.node / 1e9:,.0f}", f"{flight.disk() / 1e9:,.3g}"))
    columns = [*rows[0].memory.device, "all", "of", "node [GB]", "disk [GB]"]
    return "memory of a device [GiB], offloaded to its node, and checkpoints", columns, lines


def _heaviest(rows: list[_Row]) -> Iterator[str]:
    """Yield a line for each of the packs at which memory peaks."""
    arms: dict[str, list[str]] = {}
    for row in rows:
        seen = row.memory.seen
        pack = f"{row.memory.pack}, {seen.tokens:,} tokens, {len(seen.images)} images"
        arms.setdefault(pack, []).append(f"{row.arm} {row.phase}")
    for pack, names in arms.items():
        yield f"at {pack}: {'all' if len(arms) == 1 else ', '.join(names)}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _named_shape(model: str) -> "Shape":
    """Return the sizes of a choice of `model=`, or of a folder or hub name.

    Raises:
        ConfigError: it is neither.
    """
    from mmprolong.config.compose import Composer
    from mmprolong.config.groups import groups
    from mmprolong.models.shapes import shape_at, shape_of
    from mmprolong.settings.knobs import Model

    if model not in groups()["model"]:
        return shape_at(model)
    chosen = Composer().chosen_value([f"model={model}"], "model")
    return shape_of(Model(backbone=chosen.backbone, path=chosen.path))
