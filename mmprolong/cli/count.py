"""`mmprolong count`: exact tokens of PDFs, from their page boxes alone."""

from collections.abc import Sequence
from pathlib import Path

import click

from mmprolong.cli.terminal import Terminal, table
from mmprolong.settings.knobs import View

_LISTED = 40
"""Documents that are listed, the longest first."""


@click.command()
@click.option("--backbone", required=True, help="qwen2_vl, qwen2_5_vl or qwen3_vl.")
@click.option("--dpi", default=144, show_default=True, type=click.IntRange(1), help="Resolution of the pages.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
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
    rows = [(name, *_numbers(tokens)) for name, tokens in (*counted[:_LISTED], whole)]
    console.print(table("", columns, rows))
    for line in refused:
        console.say(f"refused: {line}", style="yellow")
    return int(bool(refused))


def _numbers(tokens: Sequence[int]) -> tuple[int, ...]:
    return len(tokens), sum(tokens), round(sum(tokens) / max(1, len(tokens))), max(tokens, default=0)
