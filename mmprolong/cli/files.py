"""`mmprolong fetch`, `mmprolong rescore`, `mmprolong sync`: files that come from outside, or go there."""

from pathlib import Path

import click

from mmprolong import plugins
from mmprolong.cli.arguments import stored
from mmprolong.cli.terminal import Terminal
from mmprolong.store.store import Store

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_FILE)
def fetch(folder: Path) -> None:
    """Download 48 articles from Debian's archive into FOLDER, which is created if it is not there."""
    from mmprolong.corpus import fetch

    console = Terminal()
    with console.status(f"downloading {len(fetch.PACKAGES)} packages"):
        count = fetch.fetch(folder)
    console.say(f"{count} PDFs in {folder}; use them with corpus.path={folder}")


def _scorers(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    return [name for name in plugins.names_in("mmprolong.evaluation.scorers") if name.startswith(begun)]


@click.command()
@click.option("--scorer", required=True, shell_complete=_scorers, help="A scorer's name, such as mmlongbench_doc.")
@click.option("--in", "source", required=True, type=_FILE, help="Replies to score.")
@click.option("--out", required=True, type=_FILE, help="The same lines with their scores.")
def rescore(scorer: str, source: Path, out: Path) -> None:
    """Score replies that you already have by a benchmark's rule."""
    from mmprolong.evaluation.rescore import rescore

    Terminal().say(f"{rescore(scorer, source, out)} scores in {out}")


@click.command()
@click.option("--entity", default="", help="Of W&B; by default the owner of the key.")
@click.option("--project", default="", help="Of W&B; by default as each run says.")
@stored
def sync(entity: str, project: str, store: Store) -> int:
    """Upload the offline runs of a store to W&B one by one, a torn file up to its tear; 1 if one was torn or failed."""
    from mmprolong.reporting.results.wandb import FAILED, TORN, sync_runs

    console = Terminal()
    states: list[str] = []
    for one in sync_runs(store.root / "wandb", entity, project):
        states.append(one.state)
        console.say(f"{one.run}  {one.state}" + (f": {one.reason}" if one.reason else ""))
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    console.say(counts or f"{store.root}/wandb: no offline runs")
    return int(not {FAILED, TORN}.isdisjoint(states))
