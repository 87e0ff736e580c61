"""`mmprolong preflight` and `mmprolong layouts`: whether training fits, what it costs, and how it can be spread."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

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
Rows = Mapping[tuple[str, str], list[str]]
"""Training steps, a seed each, by arm and phase."""


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
    rows = _unfinished(plan, store)
    if not rows:
        console.say("there is nothing to train, or all of it is finished")
        return
    flights = {name: preflight(plan, name, cluster, store) for names in rows.values() for name in names}
    for line in dict.fromkeys(line for flight in flights.values() for line in _assumed(flight)):
        console.say(line)
    first = {key: flights[names[0]] for key, names in rows.items()}
    times = {key: flight.time() for key, flight in first.items()}
    memory = {name: flight.memory() for name, flight in flights.items()}
    console.print(_time_table(rows, first, times))
    console.print(_flops_table(times))
    peaks = {key: memory[names[0]] for key, names in rows.items()}
    console.print(_memory_table(first, peaks))
    for line in _heaviest(peaks):
        console.say(line)
    hours = sum(_device_hours(first[key], times[key]) * len(names) for key, names in rows.items())
    price = cluster.gpu_price if any(flight.job.gpus for flight in first.values()) else 0
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


def _unfinished(plan: "Plan", store: Store) -> Rows:
    """Return the training steps that are not finished, those of one arm and phase together."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, step in plan.steps.items():
        if step.stage == "training" and not store.record(step.stage, name):
            _, arm, _, role = step.label.split("/")
            rows.setdefault((arm, role.partition(".")[2]), []).append(name)
    return rows


def _assumed(flight: "Preflight") -> Iterator[str]:
    shape, hardware, job = flight.shape, flight.hardware, flight.job
    yield f"{shape.name}: {shape.total:,} parameters ({shape.source})"
    devices = f"{job.nodes} x {flight.parallel.ranks_per_node} " if flight.parallel.ranks > 1 else ""
    yield f"{devices}{hardware.name}: {flight.parallel}"
    shares = f"products sustain {hardware.products:.0%} of it, attention {hardware.attention:.0%}"
    yield f"{hardware.name}: {hardware.peak:g} TFLOP/s; {shares}"
    yield f"lengths: {flight.packs.known_from}"


def _time_table(
    rows: Rows, flights: Mapping[tuple[str, str], "Preflight"], times: Mapping[tuple[str, str], "Time"]
) -> Table:
    from mmprolong.sweep.view.console import duration

    lines = []
    for (arm, phase), time in times.items():
        flight = flights[arm, phase]
        counts = len(rows[arm, phase]), time.tokens, time.updates
        speed = time.tokens / time.seconds / flight.parallel.ranks
        shares = f"{time.update.idle:.0%}", f"{time.utilisation:.0%}"
        hours = duration(time.seconds), _amount(_device_hours(flight, time))
        lines.append((arm, phase, *counts, f"{time.update.seconds:,.3g}", *shares, f"{speed:,.0f}", *hours))
    heads = ("arm", "phase", "seeds", "tokens", "updates", "s/update", "idle", "MFU", "tokens/s/device")
    return table("time of one seed", (*heads, "time", "device-hours"), lines, text=("phase",))


def _flops_table(times: Mapping[tuple[str, str], "Time"]) -> Table:
    rows = []
    for (arm, phase), time in times.items():
        parts = [sum(getattr(time.flops, name) for name in names) for names in _PARTS.values()]
        rows.append((arm, phase, *(f"{part / time.tokens / 1e9:,.3g}" for part in [*parts, time.flops.total])))
    return table("GFLOP a token, forward, backward and recomputed", ("arm", "phase", *_PARTS, "all"), rows, ("phase",))


def _memory_table(flights: Mapping[tuple[str, str], "Preflight"], memory: Mapping[tuple[str, str], "Memory"]) -> Table:
    rows = []
    for key, found in memory.items():
        flight = flights[key]
        parts = [*found.device.values(), sum(found.device.values())]
        has = f"{flight.hardware.memory:g}" if flight.hardware.memory else "-"
        rest = f"{found.node / 1e9:,.0f}", f"{flight.disk() / 1e9:,.3g}"
        rows.append((*key, *(f"{part / _GIB:.3g}" for part in parts), has, *rest))
    parts = next(iter(memory.values())).device
    heads = ("arm", "phase", *parts, "all", "of", "node [GB]", "disk [GB]")
    return table("memory of a device [GiB], offloaded to its node, and checkpoints", heads, rows, text=("phase",))


def _heaviest(memory: Mapping[tuple[str, str], "Memory"]) -> Iterator[str]:
    """Yield a line for each of the packs at which memory peaks."""
    arms: dict[str, list[str]] = {}
    for (arm, phase), found in memory.items():
        pack = f"{found.pack}, {found.seen.tokens:,} tokens, {len(found.seen.images)} images"
        arms.setdefault(pack, []).append(f"{arm} {phase}")
    for pack, names in arms.items():
        yield f"at {pack}: {'all' if len(arms) == 1 else ', '.join(names)}"


def _device_hours(flight: "Preflight", time: "Time") -> float:
    return time.seconds / 3600 * flight.job.nodes * max(flight.job.gpus, 1)


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
