"""`mmprolong fetch`, `mmprolong rescore`, `mmprolong sync`: files that come from outside, or go there."""

import argparse
from pathlib import Path

from mmprolong.cli.lookup import add_store
from mmprolong.cli.terminal import Terminal


def fetch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder."""
    parser.add_argument("folder", type=Path, help="where the PDFs are put; it is created if it is not there")


def fetch(arguments: argparse.Namespace) -> None:
    """Download 48 articles from Debian's archive into a folder."""
    from mmprolong.corpus import fetch

    console = Terminal()
    with console.status(f"downloading {len(fetch.PACKAGES)} packages"):
        count = fetch.fetch(arguments.folder)
    console.say(f"{count} PDFs in {arguments.folder}; use them with corpus.path={arguments.folder}")


def rescore_arguments(parser: argparse.ArgumentParser) -> None:
    """Add scorer and files."""
    parser.add_argument("--scorer", required=True, metavar="NAME", help="a scorer's name, such as mmlongbench_doc")
    parser.add_argument("--in", required=True, type=Path, dest="source", metavar="FILE", help="replies to score")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the same lines with their scores")


def rescore(arguments: argparse.Namespace) -> None:
    """Score replies that you already have by a benchmark's rule."""
    from mmprolong.evaluation.rescore import rescore

    count = rescore(arguments.scorer, arguments.source, arguments.out)
    Terminal().say(f"{count} scores in {arguments.out}")


def sync_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the place in W&B."""
    parser.add_argument("--entity", default="", help="of W&B; by default the owner of the key")
    parser.add_argument("--project", default="", help="of W&B; by default as each run says")
    add_store(parser)


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
