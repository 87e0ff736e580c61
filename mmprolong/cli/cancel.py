"""`mmprolong cancel`."""

import argparse
from pathlib import Path

from rich.console import Console

from mmprolong.artifacts import Store
from mmprolong.cli.launch import show_shared
from mmprolong.cli.lookup import add_store, require_launched


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, and which of its jobs."""
    parser.add_argument("ablation")
    parser.add_argument("match", nargs="?", default="", help="only of points whose label/s<seed> contains this")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Cancel the jobs of an ablation on a cluster and those that wait for them, but none that another one needs."""
    from mmprolong.plans import load_plan
    from mmprolong.sweep.cancel import cancel
    from mmprolong.sweep.dashboard.asked import write_asked

    store = Store(Path(arguments.store))
    require_launched(store, arguments.ablation)
    plan = load_plan(store, arguments.ablation)
    done = cancel(store, plan, arguments.match)
    write_asked(store, plan)
    console = Console()
    for name in done.ended:
        console.print(f"cancelled: {plan.steps[name].path} ({plan.steps[name].label})", soft_wrap=True, highlight=False)
    show_shared(done.shared, console)
    if not done.ended and not done.shared:
        console.print(f"{arguments.ablation}: no job of it is in the queue")
