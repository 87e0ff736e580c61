"""`mmprolong power`."""

import argparse
from pathlib import Path

from mmprolong.artifacts import Store
from mmprolong.cli.lookup import add_mixed_code, add_store, require_launched
from mmprolong.cli.terminal import Terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    """The ablation and its store."""
    parser.add_argument("ablation")
    add_mixed_code(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """The smallest difference that an ablation's design can see, and the cheapest way to halve it."""
    from mmprolong.reporting.paper_tables import ablation_table
    from mmprolong.reporting.power_report import power_table
    from mmprolong.reporting.render import to_rich
    from mmprolong.reporting.stale import read_marked

    store = Store(Path(arguments.store))
    require_launched(store, arguments.ablation)
    runs = read_marked(store.root, arguments.ablation, arguments.mixed_code)
    Terminal().print(to_rich(power_table(runs, ablation_table(runs).comparisons)))
