"""`mmprolong report`, `mmprolong claims`, `mmprolong power`: results of finished runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmprolong.cli.arguments import json_output, launched, perhaps_launched, stored
from mmprolong.cli.terminal import Terminal, print_json, print_written, table
from mmprolong.config.groups import ablations
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, planned
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.reporting.results.runs import Runs
    from mmprolong.reporting.tables.model import Table

SNAPSHOT = ".parquet"
"""Ending of a snapshot's file, by which --from tells it from a project of W&B."""


@click.command()
@perhaps_launched
@click.option("--table", "other", help="Show the ablation's runs in this table of the papers.")
@click.option(
    "--from",
    "source",
    help="Read results from `offline` (W&B's files in the store), ENTITY/PROJECT of W&B, or a snapshot's file.",
)
@click.option("--snapshot", metavar="FILE", help=f"Write all results into one file ({SNAPSHOT}).")
@click.option("--wandb", metavar="ENTITY/PROJECT", help="Save the report in W&B, too.")
@json_output
@stored
def report(
    ablation: str | None,
    other: str | None,
    source: str | None,
    snapshot: str | None,
    wandb: str | None,
    as_json: bool,
    store: Store,
) -> None:
    """Print the table of an ablation or of a paper and write its files; without a name list the tables."""
    from mmprolong.reporting.report.wandb_report import save_wandb_report
    from mmprolong.reporting.results.parquet import write_results
    from mmprolong.reporting.tables.paper_tables import table_names
    from mmprolong.reporting.tables.render import to_json, write_table
    from mmprolong.sweep.commands import sweep_command

    console, given = Terminal(), other or source or snapshot or wandb
    if given and not ablation:
        raise click.UsageError("of which ablation? write mmprolong report ABLATION ...")
    if snapshot and not snapshot.endswith(SNAPSHOT):
        raise ConfigError(f"--snapshot {snapshot!r}: call it NAME{SNAPSHOT}, so that --from can read it")
    if as_json and (snapshot or wandb):
        raise click.UsageError("--json writes nothing; leave out --snapshot and --wandb")
    if not ablation:
        ours = planned(store)
        rows = sorted((name, "launched" if name in ours else "published only") for name in {*table_names(), *ours})
        if as_json:
            print_json(dict(rows))
        else:
            console.print(table("tables: mmprolong report NAME", ("name", "ours"), rows, text=("ours",)))
        return
    runs = _read(ablation, source, store.root) if given or ablation in planned(store) else None
    if as_json:
        print_json(to_json(_made(runs, other or ("" if runs else ablation))))
        return
    if runs and not given:
        print_report(runs, store, console)
        return
    shown = other or ("" if runs else ablation)
    made = _print(runs, shown, console)
    if runs and snapshot:
        console.say(f"snapshot: {write_results(Path(snapshot), runs)}")
    if runs and wandb:
        console.say(f"W&B: {save_wandb_report(runs, made, wandb)}")
    if not runs and ablation in ablations():
        console.say(f"not launched: begin with {sweep_command(Plan(ablation=ablation, points=()), store.root)}")
    if not (source or snapshot or wandb) and store.root.is_dir():
        folder = store.root / "reports" / (ablation if runs else "published")
        print_written(console, "table", lambda: write_table(made, folder / shown)["md"])


def print_report(runs: "Runs", store: Store, console: Terminal) -> None:
    """Print the table of an ablation as far as it has run, and write its report."""
    from mmprolong.reporting.report.report import write_report

    made = _print(runs, "", console)
    print_written(console, "report", lambda: write_report(runs, made, store.root))


def _made(runs: "Runs | None", name: str) -> "Table":
    """Make the table called `name`; without a name the one that belongs to the runs."""
    from mmprolong.reporting.tables.paper_tables import paper_table, table_of

    return table_of(runs) if runs and not name else paper_table(name, runs)


def _print(runs: "Runs | None", name: str, console: Terminal) -> "Table":
    from mmprolong.reporting.tables.terminal import TerminalTable

    made = _made(runs, name)
    console.print(TerminalTable(made))
    return made


def _read(ablation: str, source: str | None, store: Path) -> "Runs":
    """Read the runs from the source asked for, with notes on stale ones."""
    from mmprolong.reporting.results.parquet import read_results
    from mmprolong.reporting.results.staleness import mark_stale
    from mmprolong.reporting.results.store import read_store
    from mmprolong.reporting.results.wandb import read_api, read_offline

    if source is None:
        runs = read_store(store, ablation)
    elif source == "offline":
        runs = read_offline(store / "wandb", ablation)
    elif source.endswith(SNAPSHOT):
        runs = read_results(Path(source))
        if runs.plan.ablation != ablation:
            held = f"the snapshot holds {runs.plan.ablation}; write mmprolong report {runs.plan.ablation}"
            raise ConfigError(f"report {ablation} --from {source}: {held}")
    elif "/" in source:
        runs = read_api(source, ablation, store)
    else:
        raise ConfigError(f"--from {source!r}: write offline, ENTITY/PROJECT, or a snapshot's file ({SNAPSHOT})")
    return mark_stale(runs, store)


@click.command()
@click.argument("claims", nargs=-1)
@json_output
@stored
def claims(claims: tuple[str, ...], as_json: bool, store: Store) -> None:
    """Judge the papers' claims by the printed numbers and by ours: those named, in full, or a table of all."""
    from mmprolong.reporting.claims.report import claims_table, describe, group_by_command, judge_claims
    from mmprolong.reporting.tables.render import to_json, write_table
    from mmprolong.reporting.tables.terminal import TerminalTable

    console, judged = Terminal(), judge_claims(store.root, claims)
    if as_json:
        print_json(to_json(claims_table(judged)) | {"verdicts": {one.claim.name: one for one in judged}})
        return
    if claims:
        for one in judged:
            console.say("\n".join(describe(one)))
        return
    made = claims_table(judged)
    console.print(TerminalTable(made.without("command")))
    console.say("what settles them:")
    for command, names in group_by_command(judged).items():
        console.say(f"{command}\n  {', '.join(names)}")
    if store.root.is_dir():
        target = store.root / "reports" / "claims" / made.name
        print_written(console, "table", lambda: write_table(made, target)["md"])


@click.command()
@launched
@stored
def power(ablation: str, store: Store) -> None:
    """Print the smallest difference that an ablation's design can see, and the cheapest way to halve it."""
    from mmprolong.reporting.results.store import read_and_mark_stale
    from mmprolong.reporting.tables.paper_tables import table_of
    from mmprolong.reporting.tables.power_table import power_table
    from mmprolong.reporting.tables.terminal import TerminalTable

    runs, console = read_and_mark_stale(store.root, ablation), Terminal()
    made = power_table(runs, table_of(runs).comparisons)
    console.print(TerminalTable(made.without("command")))
    for name in (row[0].text for row in made.rows):
        console.say(f"{name}: {made.cell(name, 'command').text}")
