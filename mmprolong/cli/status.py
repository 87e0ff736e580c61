"""`mmprolong status` and `mmprolong list`: the state of sweeps, and the choices for new ones."""

import time
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from mmprolong.cli.arguments import json_output, own_files, perhaps_launched, stored
from mmprolong.cli.terminal import Terminal, print_json, table
from mmprolong.config.groups import ABLATION, ablations, groups
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.store.store import Store
from mmprolong.sweep.state import step_states

_SECONDS = 2.0
"""Time between two looks at the store and the queue [s]."""


@click.command()
@perhaps_launched
@click.option("--watch", is_flag=True, help="Keep looking until all is finished; Ctrl-C ends it.")
@json_output
@stored
def status(ablation: str | None, watch: bool, as_json: bool, store: Store) -> None:
    """Show the state of every run of an ablation, or of all that were launched from the store."""
    console = Terminal()
    names = [ablation] if ablation else planned(store)
    if as_json:
        print_json({name: _states(store, name) for name in names})
        return
    if not names:
        console.say(f"{store.root}: no sweep was launched here; begin with python -m mmprolong.sweep +ablation=NAME")
        return
    view, finished = _look(store, names)
    with Live(view, console=console, auto_refresh=False) as live:
        while watch and not finished:
            time.sleep(_SECONDS)
            view, finished = _look(store, names)
            live.update(view, refresh=True)


def _look(store: Store, names: list[str]) -> tuple[RenderableType, bool]:
    """Return the tables of some ablations, and True once every step is finished; the dashboards are written."""
    from mmprolong.sweep.view.console import status_view
    from mmprolong.sweep.view.dashboard import write_page

    views: list[RenderableType] = []
    finished = True
    for plan in (load_plan(store, name) for name in names):
        states = step_states(store, plan)
        written = f"dashboard: {write_page(store, plan, states)}"
        views += [status_view(store, plan, states), Text(written, no_wrap=True, overflow="ignore")]
        finished = finished and all(each.state == "finished" for each in states.values())
    return Group(*views), finished


def _states(store: Store, name: str) -> dict[str, Any]:
    """Return the points and the steps of an ablation for programs."""
    from mmprolong.sweep.view.console import run_scores

    plan = load_plan(store, name)
    states = step_states(store, plan)
    points = [
        {"label": one.label, "seed": one.seed, "steps": one.steps, "scores": run_scores(one, states)}
        for one in plan.points
    ]
    steps = {
        each: {"stage": plan.steps[each].stage, "state": at.state, "job": at.job, "detail": at.detail}
        | {"failure": at.failure, "progress": at.progress, "seconds": at.record.seconds if at.record else None}
        for each, at in states.items()
    }
    finished = all(at.state == "finished" for at in states.values())
    return {"question": plan.question, "finished": finished, "points": points, "steps": steps}


@click.command("list")
@own_files
def choices() -> int:
    """List the ablations with their arms, and the groups with their choices; 1 if a file is broken."""
    from mmprolong.sweep.ablation import read_ablation

    console, rows, broken = Terminal(), [], []
    for name in ablations():
        try:
            ablation = read_ablation(name)
        except ConfigError as error:
            broken.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        rows.append((name, ablation.question, ", ".join(ablation.arms), ", ".join(map(str, ablation.seeds))))
    columns = ("name", "question", "arms", "seeds")
    console.print(table("ablations: python -m mmprolong.sweep +ablation=NAME", columns, rows, text=columns))
    chosen = [(group, ", ".join(names)) for group, names in groups().items() if group != ABLATION]
    console.print(table("groups: GROUP=CHOICE", ("group", "choices"), chosen, text=("choices",)))
    for line in broken:
        console.say(line, "red")
    return int(bool(broken))
