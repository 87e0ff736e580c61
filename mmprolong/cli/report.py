"""`mmprolong report`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.cli.lookup import add_mixed_code, add_store
from mmprolong.cli.tables import table
from mmprolong.cli.terminal import Terminal, print_written
from mmprolong.config.groups import ablations
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, planned
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.reporting.results.runs import Runs


SNAPSHOT = ".json.gz"
"""How the name of a snapshot's file ends: --from tells it from a project of W&B by that."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What is shown, from where, and where it is written besides."""
    parser.add_argument("ablation", nargs="?", help="an ablation or a table of the papers; none: list them")
    parser.add_argument("--table", help="show the ablation's runs in this table of the papers")
    source = "offline (W&B's files in the store), ENTITY/PROJECT of W&B, or a snapshot's file (default: the store)"
    parser.add_argument("--from", dest="source", help=f"where results are read: {source}")
    parser.add_argument("--snapshot", metavar="FILE", help="write all results into one small file (.json.gz)")
    parser.add_argument("--wandb", metavar="ENTITY/PROJECT", help="save the report in W&B, too")
    add_mixed_code(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the table of an ablation or of a paper and write its files."""
    store, console = Store(Path(arguments.store)), Terminal()
    _check(arguments)
    launched = arguments.ablation in planned(store)
    if not arguments.ablation:
        _list(store, console)
    elif arguments.source or arguments.snapshot or arguments.wandb:
        _elsewhere(_runs(arguments, store.root), arguments, console)
    elif launched and not arguments.table:
        print_report(_runs(arguments, store.root), store, console)
    else:
        _table(_runs(arguments, store.root) if arguments.table else None, arguments, store, console)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what would be passed over, and a snapshot that could not be read again."""
    named = {"--table": arguments.table, "--from": arguments.source, "--snapshot": arguments.snapshot}
    asked = [option for option, value in {**named, "--wandb": arguments.wandb}.items() if value]
    if asked and not arguments.ablation:
        raise ConfigError(f"report {asked[0]}: of which ablation? write mmprolong report ABLATION {asked[0]} ...")
    if arguments.snapshot and not arguments.snapshot.endswith(SNAPSHOT):
        raise ConfigError(f"--snapshot {arguments.snapshot!r}: call it NAME{SNAPSHOT}, so that --from can read it")


def print_report(runs: "Runs", store: Store, console: Terminal) -> None:
    """Print the table of an ablation as far as it has run, and write its report."""
    from mmprolong.reporting.report.report import write_report
    from mmprolong.reporting.tables.paper_tables import table_of
    from mmprolong.reporting.tables.terminal import TerminalTable

    table = table_of(runs)
    console.print(TerminalTable(table))
    print_written(console, "report", lambda: write_report(runs, table, store.root).html)


def _list(store: Store, console: Terminal) -> None:
    from mmprolong.reporting.tables.paper_tables import table_names

    launched = planned(store)
    rows = [(name, "launched" if name in launched else "published only") for name in {*table_names(), *launched}]
    console.print(table("tables: mmprolong report NAME", ("name", "ours"), sorted(rows), text=("ours",)))


def _table(runs: "Runs | None", arguments: argparse.Namespace, store: Store, console: Terminal) -> None:
    """A table without the rest of a report."""
    from mmprolong.reporting.tables.paper_tables import paper_table
    from mmprolong.reporting.tables.render import write_table
    from mmprolong.reporting.tables.terminal import TerminalTable
    from mmprolong.sweep.commands import sweep_command

    name = arguments.table or arguments.ablation
    made = paper_table(name, runs)
    console.print(TerminalTable(made))
    if name in ablations() and not arguments.table:
        begin = sweep_command(Plan(ablation=name, points=()), store.root)
        console.print(f"not launched: begin with {begin}", soft_wrap=True)
    if store.root.is_dir():
        folder = store.root / "reports" / (arguments.ablation if arguments.table else "published")
        print_written(console, "table", lambda: write_table(made, folder / name)["md"])


def _elsewhere(runs: "Runs", arguments: argparse.Namespace, console: Terminal) -> None:
    """Results that are read from, or written to, another place."""
    from mmprolong.reporting.report.wandb_report import save_wandb_report
    from mmprolong.reporting.results.parquet import write_snapshot
    from mmprolong.reporting.tables.paper_tables import paper_table, table_of
    from mmprolong.reporting.tables.terminal import TerminalTable

    made = paper_table(arguments.table, runs) if arguments.table else table_of(runs)
    console.print(TerminalTable(made))
    if arguments.snapshot:
        write_snapshot(runs, Path(arguments.snapshot))
        console.print(f"snapshot: {arguments.snapshot}", soft_wrap=True)
    if arguments.wandb:
        console.print(f"W&B: {save_wandb_report(runs, made, arguments.wandb)}", soft_wrap=True)


def _runs(arguments: argparse.Namespace, store: Path) -> "Runs":
    """The runs from where the user wants them, with what is stale."""
    from mmprolong.reporting.results.provenance import with_stale

    return with_stale(_read(arguments, store), store)


def _read(arguments: argparse.Namespace, store: Path) -> "Runs":
    from mmprolong.reporting.results.parquet import read_snapshot
    from mmprolong.reporting.results.store import read_store
    from mmprolong.reporting.results.wandb import read_api, read_wandb

    source, ablation, mixed_code = arguments.source, arguments.ablation, arguments.mixed_code
    if source is None:
        return read_store(store, ablation, mixed_code)
    if source == "offline":
        return read_wandb(store / "wandb", ablation, mixed_code)
    if source.endswith(SNAPSHOT):
        return _held(read_snapshot(Path(source), mixed_code), ablation, source)
    if "/" in source:
        return read_api(source, ablation, store, mixed_code=mixed_code)
    raise ConfigError(f"--from {source!r}: write offline, ENTITY/PROJECT, or a snapshot's file ({SNAPSHOT})")


def _held(runs: "Runs", ablation: str, file: str) -> "Runs":
    """The runs of a snapshot, if they are those that were asked for."""
    held = runs.plan.ablation
    if held != ablation:
        raise ConfigError(f"report {ablation} --from {file}: the snapshot holds {held}; write mmprolong report {held}")
    return runs
