"""`mmprolong report`."""

import argparse
from pathlib import Path

from rich.console import Console

from mmprolong.artifacts import Store
from mmprolong.cli.lookup import add_store, require_launched


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation and its store."""
    parser.add_argument("ablation")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the table of an ablation and write its files."""
    store = Store(Path(arguments.store))
    require_launched(store, arguments.ablation)
    print_report(store, arguments.ablation, Console())


def print_report(store: Store, ablation: str, console: Console) -> None:
    """Write the report of an ablation as far as it has run, and print its table."""
    from mmprolong.reporting.report import write_report

    written = write_report(store.root, ablation, store.root / "reports" / ablation)
    console.print(written.console())
    console.print(f"report: {written.html}", soft_wrap=True)
