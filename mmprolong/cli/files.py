"""`mmprolong count`, `fetch`, `rescore`, `sync` and `prerender`: files that are counted, drawn, fetched or sent."""

from collections.abc import Sequence
from pathlib import Path

import click

from mmprolong import plugins
from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal, table
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.runtime.signals import interrupt_on_signals
from mmprolong.settings.knobs import View
from mmprolong.store.store import Store

_FILE = click.Path(path_type=Path)
_SCORERS = plugins.names_in("mmprolong.evaluation.scorers")
_LISTED = 40
"""Documents that are listed, the longest first."""


@click.command()
@click.argument("folder", type=_FILE)
def fetch(folder: Path) -> None:
    """Download 48 articles from Debian's archive into FOLDER, which is created if it is not there."""
    from mmprolong.corpus import fetch

    console = Terminal()
    with console.status(f"downloading {len(fetch.PACKAGES)} packages"):
        count = fetch.fetch(folder)
    console.say(f"{count} PDFs in {folder}; use them with corpus.path={folder}")


@click.command()
@click.option("--scorer", required=True, type=click.Choice(_SCORERS), metavar="NAME", help="The benchmark's scorer.")
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
    """Upload the offline runs of a store to W&B; 1 if not all of them are whole there."""
    from mmprolong.reporting.results.wandb import sync_runs

    done = sync_runs(store.root / "wandb", entity, project)
    left = [name for name, whole in done.items() if not whole]
    Terminal().say(f"{len(done) - len(left)} of {len(done)} offline runs in {store.root}/wandb are uploaded")
    return int(bool(left))


@click.command()
@click.option("--backbone", required=True, help="qwen2_vl, qwen2_5_vl or qwen3_vl.")
@click.option("--dpi", default=144, show_default=True, type=click.IntRange(1), help="Resolution of the pages.")
@click.argument("paths", nargs=-1, required=True, type=_FILE)
def count(backbone: str, dpi: int, paths: Sequence[Path]) -> int:
    """Count the tokens of PDFs as the model sees them, without drawing a page; 1 if a file or page is refused.

    PATHS are PDFs, or folders of them. Marks around the images are counted; prompts are not.
    """
    from mmprolong.models.odometer import count_files

    console, refused = Terminal(), list[str]()
    counted: list[tuple[str, Sequence[int]]] = []
    for path, found in count_files(backbone, paths, View(dpi=dpi)):
        if isinstance(found, str):
            refused.append(f"{path}: {found}")
            continue
        counted.append((str(path), found.tokens))
        refused += [f"{path} page {page + 1}: {reason}" for page, reason in found.refused.items()]
    counted.sort(key=lambda each: -sum(each[1]))
    whole = f"{len(counted)} documents", [tokens for _, each in counted for tokens in each]
    columns = ("document", "pages", "tokens", "a page", "largest page")
    rows = [
        (name, len(tokens), sum(tokens), round(sum(tokens) / max(1, len(tokens))), max(tokens, default=0))
        for name, tokens in (*counted[:_LISTED], whole)
    ]
    console.print(table("", columns, rows))
    for line in refused:
        console.say(f"refused: {line}", style="yellow")
    return int(bool(refused))


@click.command()
@click.argument("step")
@click.option("--dpi", default=144, show_default=True, help="Of the view that the pages are shown in.")
@click.option("--renderer", default="pymupdf", show_default=True, help="Of that view.")
@click.option("--slow", default=0.1, show_default=True, help="Pages that take longer to draw are kept [s].")
@click.option("--pool", default="", help="Where the pool is now; by default where it was read.")
@stored
def prerender(step: str, dpi: int, renderer: str, slow: float, pool: str, store: Store) -> None:
    """Draw the pages of a corpus or selection STEP; keep scans and slow pages, without loss, for all that shows them.

    What is kept changes no result and no step's id: training and evaluation in this store find it. Pages that cannot be
    drawn, or that end the process that draws them, are listed; training shows them as white paper, and counts them.
    """
    from mmprolong.images.kept_pages import UNDRAWN, kept_folder, read_undrawn
    from mmprolong.images.prerendering import jobs_of, keep_pages

    interrupt_on_signals()
    found = Steps(store).find(step)
    if found.stage not in ("corpus", "selection"):
        raise ConfigError(f"{found.path}: a {found.stage} step; give a corpus or a selection")
    if not is_finished(found):
        raise StepFailed(f"{found.path}: not finished, so its pages are not known")
    corpus = store.root / found.needs.get("corpus", found.path)
    selection: Path | None = store.root / found.path if found.stage == "selection" else None
    view, console = View(renderer=renderer, dpi=dpi), Terminal()
    folder = kept_folder(corpus, view)
    with console.status(f"drawing the pages of {found.path}"):
        count = keep_pages(jobs_of(corpus, selection, view, pool, slow), folder)
    size = sum(file.stat().st_size for file in folder.glob("*.tar"))
    console.say(f"{folder}: {count:,} pages, {size / 1e6:,.1f} MB")
    if undrawn := read_undrawn(folder / UNDRAWN):
        first = f"{undrawn[0].detail} ({undrawn[0].reason})"
        console.say(f"{len(undrawn):,} pages cannot be drawn: {folder / UNDRAWN}; the first: {first}")
