"""`mmprolong count`: exact tokens of PDFs, from their page boxes alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from mmprolong.cli.terminal import Terminal
from mmprolong.models.odometer import PUBLISHED, PageTokens, page_tokens
from mmprolong.settings.knobs import View

_ENDINGS = (".pdf", ".pdf.gz")
_LISTED = 40
"""Documents that are listed, the longest first."""


@click.command()
@click.option("--backbone", required=True, type=click.Choice(list(PUBLISHED)), help="Model family that counts.")
@click.option("--dpi", default=144, show_default=True, type=click.IntRange(1), help="Resolution of the pages.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def count(backbone: str, dpi: int, paths: Sequence[Path]) -> int:
    """Count the tokens of PDFs as the model sees them, without drawing a page; 1 if a file or page is refused.

    PATHS are PDFs, or folders of them. Marks around the images are counted; prompts are not.
    """
    from mmprolong.images.pdf_files import Unreadable
    from mmprolong.images.renderer import find_renderer

    view, console = View(dpi=dpi), Terminal()
    renderer, counted = find_renderer(view.renderer), list[tuple[str, PageTokens]]()
    refused: list[str] = []
    for path in _pdfs(paths):
        try:
            with renderer.open(path) as document:
                found = page_tokens(backbone, document.page_sizes, view)
        except Unreadable as error:
            refused.append(f"{path}: {error}")
            continue
        counted.append((str(path), found))
        refused += [f"{path} page {page + 1}: {reason}" for page, reason in found.refused.items()]
    _print(console, counted)
    for line in refused:
        console.say(f"refused: {line}", style="yellow")
    return int(bool(refused))


def _pdfs(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.name.lower().endswith(_ENDINGS))
        else:
            yield path


def _print(console: Terminal, counted: Sequence[tuple[str, PageTokens]]) -> None:
    table = Table("document", box=SIMPLE_HEAD)
    for name in ("pages", "tokens", "a page", "largest page"):
        table.add_column(name, justify="right")
    longest = sorted(counted, key=lambda entry: -entry[1].total)
    for name, found in longest[:_LISTED]:
        table.add_row(name, *_numbers(found.tokens))
    table.add_section()
    whole = [tokens for _, found in counted for tokens in found.tokens]
    table.add_row(f"{len(counted)} documents", *_numbers(whole))
    console.print(table)


def _numbers(tokens: Sequence[int]) -> tuple[str, ...]:
    mean = sum(tokens) / max(1, len(tokens))
    return f"{len(tokens):,}", f"{sum(tokens):,}", f"{mean:,.0f}", f"{max(tokens, default=0):,}"
