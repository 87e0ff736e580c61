"""`mmprolong sync`."""

import argparse
from pathlib import Path

from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("--entity", default="", help="of W&B; by default the owner of the key")
    parser.add_argument("--project", default="", help="of W&B; by default as each run says")
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """Upload the offline runs of a store to W&B one by one, a torn file up to its tear; 1 if one was torn or failed."""
    from mmprolong.reporting.results.sync import FAILED, TORN, sync_runs

    console = Terminal()
    states: list[str] = []
    for one in sync_runs(Path(arguments.store) / "wandb", arguments.entity, arguments.project):
        states.append(one.state)
        reason = f": {one.reason}" if one.reason else ""
        console.print(f"{one.run}  {one.state}{reason}", soft_wrap=True)
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    console.print(counts or f"{arguments.store}/wandb: no offline runs", soft_wrap=True)
    return int(not {FAILED, TORN}.isdisjoint(states))
