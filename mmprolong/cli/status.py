"""`mmprolong status`."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import load_plan, planned
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.pipeline.plan import Plan

_SECONDS = 2.0
"""Time between two looks at the store and the queue [s]."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which ablation, and whether to keep looking."""
    parser.add_argument("ablation", nargs="?", help="one ablation; without it all that were launched from the store")
    parser.add_argument("--watch", action="store_true", help="keep looking until all is finished; Ctrl-C ends it")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Where every point of an ablation stands."""
    store = Store(Path(arguments.store))
    console = Terminal()
    names = [arguments.ablation] if arguments.ablation else planned(store)
    if not names:
        begin = "begin with python -m mmprolong.sweep +ablation=NAME"
        console.print(f"{store.root}: no sweep was launched here; {begin}", soft_wrap=True)
    elif arguments.watch:
        _watch(store, names, console)
    else:
        console.print(_tables(store, names)[0])


def _watch(store: Store, names: list[str], console: Terminal) -> None:
    view, finished = _tables(store, names)
    if finished:
        console.print(view)
        return
    with Live(view, console=console, auto_refresh=False) as live:
        try:
            while not finished:
                time.sleep(_SECONDS)
                view, finished = _tables(store, names)
                live.update(view, refresh=True)
        except KeyboardInterrupt:
            return


def _tables(store: Store, names: list[str]) -> tuple[RenderableType, bool]:
    """A table and a dashboard for each ablation; and whether every step of all of them is finished.

    Raises:
        ArtifactError: of a single ablation the plan is torn; of several, that stands where its table would.
    """
    views, finished = zip(*(_table(store, name, alone=len(names) == 1) for name in names), strict=True)
    return Group(*views), all(finished)


def _table(store: Store, name: str, alone: bool) -> tuple[RenderableType, bool]:
    try:
        plan = load_plan(store, name)
    except ArtifactError as error:
        if alone:
            raise
        return Text(f"{name}: {error}", style="red"), True
    return _view(store, plan)


def _view(store: Store, plan: "Plan") -> tuple[RenderableType, bool]:
    """Look once, for the table and for the dashboard."""
    from mmprolong.sweep.state import step_states
    from mmprolong.sweep.view.terminal import status_view
    from mmprolong.sweep.view.write import page_path, write_page

    states = step_states(store, plan)
    trouble = write_page(store, plan, states)
    path = trouble or page_path(store, plan.ablation)
    said = Text(f"dashboard: {path}", style="yellow" if trouble else "", no_wrap=True, overflow="ignore")
    finished = all(each.state == "finished" for each in states.values())
    return Group(status_view(store, plan, states), said), finished
