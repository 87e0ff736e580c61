"""`mmprolong fetch`."""

import argparse
from pathlib import Path

from mmprolong.cli.terminal import Terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("folder", type=Path, help="where the PDFs are put; it is created if it is not there")


def run(arguments: argparse.Namespace) -> None:
    """Download 48 articles from Debian's archive into a folder."""
    from mmprolong.corpus import fetch

    console = Terminal()
    with console.status(f"downloading {len(fetch.PACKAGES)} packages"):
        count = fetch.fetch(arguments.folder)
    console.print(f"{count} PDFs in {arguments.folder}; use them with corpus.path={arguments.folder}", soft_wrap=True)
