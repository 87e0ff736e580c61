"""`mmprolong prerender`: slow pages and scans, drawn once and kept."""

from pathlib import Path

import click

from mmprolong.cli.arguments import stored
from mmprolong.cli.lookup import Steps, is_finished
from mmprolong.cli.terminal import Terminal
from mmprolong.errors import ConfigError, StepFailed
from mmprolong.store.store import Store


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
    from mmprolong.runtime.signals import interrupt_on_signals
    from mmprolong.settings.knobs import View

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
