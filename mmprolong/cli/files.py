"""`mmprolong fetch`, `mmprolong rescore`, `mmprolong sync`: files that come from outside, or go there."""

import argparse
from pathlib import Path

from mmprolong.cli.terminal import Terminal


def fetch(arguments: argparse.Namespace) -> None:
    """Download 48 articles from Debian's archive into a folder."""
    from mmprolong.corpus import fetch

    console = Terminal()
    with console.status(f"downloading {len(fetch.PACKAGES)} packages"):
        count = fetch.fetch(arguments.folder)
    console.say(f"{count} PDFs in {arguments.folder}; use them with corpus.path={arguments.folder}")


def rescore(arguments: argparse.Namespace) -> None:
    """Score replies that you already have by a benchmark's rule."""
    from mmprolong.evaluation.rescore import rescore

    count = rescore(arguments.scorer, arguments.source, arguments.out)
    Terminal().say(f"{count} scores in {arguments.out}")


def sync(arguments: argparse.Namespace) -> int:
    """Upload the offline runs of a store to W&B one by one, a torn file up to its tear; 1 if one was torn or failed."""
    from mmprolong.reporting.results.sync import FAILED, TORN, sync_runs

    console = Terminal()
    states: list[str] = []
    for one in sync_runs(Path(arguments.store) / "wandb", arguments.entity, arguments.project):
        states.append(one.state)
        console.say(f"{one.run}  {one.state}" + (f": {one.reason}" if one.reason else ""))
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    console.say(counts or f"{arguments.store}/wandb: no offline runs")
    return int(not {FAILED, TORN}.isdisjoint(states))
