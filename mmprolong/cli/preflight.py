"""`mmprolong preflight` and `mmprolong layouts`: whether training fits, what it costs, and how it can be spread."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmprolong.cli.arguments import overrides, own_files
from mmprolong.cli.terminal import Terminal, table
from mmprolong.errors import ConfigError
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.models.shapes import Shape
    from mmprolong.pipeline.plan import Plan


@click.command()
@overrides
@own_files
def preflight(overrides: tuple[str, ...]) -> None:
    """Predict time, memory and disk of the training of an ablation; refuse what does not fit."""
    from mmprolong.sweep.estimate import preflight
    from mmprolong.sweep.planning import make_plan
    from mmprolong.training.preflight_tables import PreflightRow, amount, heaviest, tables

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
    rows = [
        PreflightRow(*key, len(names), first[key], first[key].time(), memory[names[0]]) for key, names in arms.items()
    ]
    for title, columns, lines in tables(rows):
        console.print(table(title, ("arm", "phase", *columns), lines, text=("phase",)))
    for line in heaviest(rows):
        console.say(line)
    hours = sum(row.flight.device_hours(row.time) * row.seeds for row in rows)
    price = cluster.gpu_price if any(row.flight.job.gpus for row in rows) else 0
    console.say(f"all seeds: {amount(hours)} device-hours" + (f", price {hours * price:,.0f}" if price else ""))
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
    columns = ("sequence", "data", "heads of a rank", "heads of keys and values", "possible")
    console.print(table("", columns, [each.cells() for each in sequences(text, gpus)], text=columns[2:]))
    console.say("sequence: ranks that share each pack (training.engine.sequence); data: groups with packs of their own")


def _unfinished(plan: "Plan", store: Store) -> dict[tuple[str, str], list[str]]:
    """Return the training steps that are not finished, by arm and phase."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, step in plan.steps.items():
        if step.stage == "training" and not store.record(step.stage, name):
            arm, _, role = step.label.partition("/")[2].rsplit("/", 2)  # an arm of a grid has slashes in its label
            found.setdefault((arm, role.partition(".")[2]), []).append(name)
    return found


def _named_shape(model: str) -> "Shape":
    """Return the sizes of a choice of `model=`, or of a folder or hub name."""
    from mmprolong.config.compose import Composer
    from mmprolong.config.groups import groups
    from mmprolong.models.shapes import shape_at, shape_of
    from mmprolong.settings.knobs import Model

    if model not in groups()["model"]:
        return shape_at(model)
    chosen = Composer().chosen_value([f"model={model}"], "model")
    return shape_of(Model(backbone=chosen.backbone, path=chosen.path))
