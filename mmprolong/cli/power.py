"""`mmprolong power`."""

import argparse
from pathlib import Path

from mmprolong.cli.lookup import add_mixed_code, add_store
from mmprolong.cli.terminal import Terminal
from mmprolong.store.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation and its store."""
    parser.add_argument("ablation")
    add_mixed_code(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """The smallest difference that an ablation's design can see, and the cheapest way to halve it."""
    from mmprolong.reporting.results.provenance import read_marked
    from mmprolong.reporting.tables.paper_tables import table_of
    from mmprolong.reporting.tables.power_table import power_table
    from mmprolong.reporting.tables.terminal import TerminalTable

    store = Store(Path(arguments.store))
    runs = read_marked(store.root, arguments.ablation, arguments.mixed_code)
    made, console = power_table(runs, table_of(runs).comparisons), Terminal()
    console.print(TerminalTable(made.without("command")))
    for name in (row[0].text for row in made.rows):
        console.print(f"{name}: {made.cell(name, 'command').text}", soft_wrap=True)
