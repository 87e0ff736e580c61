"""`mmprolong logs`."""

import argparse
from pathlib import Path

from mmprolong.artifacts import Store
from mmprolong.cli.lookup import add_store, require_launched
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ConfigError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, which of its steps, and how much."""
    parser.add_argument("ablation")
    what = "steps whose label or stage/id contains this (without it those that failed or run)"
    parser.add_argument("match", nargs="?", default="", help=what)
    parser.add_argument("-n", "--lines", type=int, default=10, help="last lines to show of each (default: 10)")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """The last lines that the jobs of an ablation wrote."""
    from mmprolong.plans import load_plan
    from mmprolong.sweep.standing import log_path, standings, tail
    from mmprolong.sweep.submissions import latest

    store = Store(Path(arguments.store))
    require_launched(store, arguments.ablation)
    plan = load_plan(store, arguments.ablation)
    known = latest(store)
    states = standings(store, plan)
    console = Terminal()
    shown = 0
    for name, step in plan.steps.items():
        wanted = arguments.match in step.label or arguments.match in step.path
        if name not in known or not wanted or (not arguments.match and states[name].state not in ("failed", "running")):
            continue
        path = log_path(store, known[name])
        console.print(f"{step.path} ({step.label}), {states[name].state}: {path}", style="bold", soft_wrap=True)
        for line in tail(path, arguments.lines):
            console.print(f"  {line}", soft_wrap=True)
        shown += 1
    if not shown:
        where = f"steps that ran here write to {store.root / 'logs'}"
        raise ConfigError(f"logs {arguments.ablation}: no job to show; {where}; mmprolong status says how all stand")
