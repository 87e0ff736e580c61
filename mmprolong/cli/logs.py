"""`mmprolong logs`."""

import argparse
from pathlib import Path

from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ConfigError
from mmprolong.store.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation, which of its steps, and how much."""
    parser.add_argument("ablation")
    what = "steps whose label or stage/id contains this (without it those that failed or run)"
    parser.add_argument("match", nargs="?", default="", help=what)
    parser.add_argument("-n", "--lines", type=int, default=10, help="last lines to show of each (default: 10)")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """The last lines that the steps of an ablation wrote, and why they failed."""
    from mmprolong.pipeline.plan import load_plan
    from mmprolong.sweep.logs import last_lines

    if arguments.lines < 0:
        raise ConfigError(f"-n {arguments.lines}: give 0 or more")
    store = Store(Path(arguments.store))
    plan = load_plan(store, arguments.ablation)
    console = Terminal()
    shown = 0
    for log in last_lines(store, plan, arguments.match, arguments.lines):
        console.print(f"{log.step.path} ({log.step.label}), {log.state}: {log.path}", style="bold", soft_wrap=True)
        for line in log.lines:
            console.print(f"  {line}", soft_wrap=True)
        shown += 1
    if not shown:
        what = f"no step whose label or stage/id contains {arguments.match!r} has run" if arguments.match else ""
        what = what or "no step has failed or runs"
        raise ConfigError(f"logs {arguments.ablation}: {what}; mmprolong status says how all stand")
