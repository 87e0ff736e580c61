"""`mmprolong list`."""

import argparse

from rich.table import Table

from mmprolong.cli.tables import table
from mmprolong.cli.terminal import Terminal
from mmprolong.config.groups import ABLATION, ablations, groups
from mmprolong.errors import ConfigError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to say."""


def run(arguments: argparse.Namespace) -> None:
    """The ablations with their rows, and the groups with their choices."""
    console = Terminal()
    console.print(_ablations())
    console.print(_groups())


def _ablations() -> Table:
    from mmprolong.sweep.ablation import read_ablation

    rows = []
    for name in ablations():
        try:
            ablation = read_ablation(name)
        except ConfigError as error:
            rows.append((name, f"wrong: {error}", "", ""))
            continue
        seeds = ", ".join(map(str, ablation.seeds))
        rows.append((name, ablation.question, ", ".join(ablation.arms), seeds))
    columns = ("name", "question", "rows", "seeds")
    return table("ablations: python -m mmprolong.sweep +ablation=NAME", columns, rows, text=columns)


def _groups() -> Table:
    rows = [(group, ", ".join(choices)) for group, choices in groups().items() if group != ABLATION]
    return table("groups: GROUP=CHOICE", ("group", "choices"), rows, text=("choices",))
