"""`mmprolong report`, `mmprolong claims`, `mmprolong power`: results of finished runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmprolong.cli.arguments import json_output, launched, perhaps_launched, stored
from mmprolong.cli.terminal import Terminal, print_json, print_written, table
from mmprolong.config.groups import TABLES, ablations, files_in
from mmprolong.errors import ConfigError
from mmprolong.pipeline.plan import Plan, planned
from mmprolong.store.store import Store

if TYPE_CHECKING:
    from mmprolong.reporting.results.runs import Runs


@click.command()
@perhaps_launched
@click.option("--table", "other", help="Show the ablation's runs in this table of the papers.")
@click.option(
    "--from",
    "source",
    help="Read results from `offline` (W&B's files in the store), ENTITY/PROJECT of W&B, or a report's items.parquet.",
)
@click.option("--wandb", metavar="ENTITY/PROJECT", help="Save the report in W&B, too.")
@json_output
@stored
def report(
    ablation: str | None, other: str | None, source: str | None, wandb: str | None, as_json: bool, store: Store
) -> None:
    """Print the table of an ablation or of a paper and write its files; without a name list the tables."""
    from mmprolong.reporting.report.wandb_report import save_wandb_report
    from mmprolong.reporting.tables.paper_tables import paper_table, table_of
    from mmprolong.reporting.tables.render import print_table, to_json, write_table
    from mmprolong.sweep.commands import sweep_command

    console, ours = Terminal(), planned(store)
    if not ablation and (other or source or wandb):
        raise click.UsageError("of which ablation? write mmprolong report ABLATION ...")
    if wandb and wandb.count("/") != 1:
        raise ConfigError(f"--wandb {wandb!r}: write ENTITY/PROJECT")
    if not ablation:
        rows = sorted((name, "launched" if name in ours else "published only") for name in {*files_in(TABLES), *ours})
        if as_json:
            print_json(dict(rows))
        else:
            console.print(table("tables: mmprolong report NAME", ("name", "ours"), rows, text=("ours",)))
        return
    runs = _read(ablation, source, store.root) if other or source or ablation in ours else None
    if runs and not (other or source or wandb or as_json):
        print_report(runs, store, console)
        return
    made = table_of(runs) if runs and not other else paper_table(other or ablation, runs)
    if as_json:
        print_json(to_json(made))
        return
    print_table(console, made)
    if runs and wandb:
        console.say(f"W&B: {save_wandb_report(runs, made, wandb)}")
    if not runs and ablation in ablations():
        console.say(f"not launched: begin with {sweep_command(Plan(ablation=ablation, points=()), store.root)}")
    if not source and store.root.is_dir():
        file = store.root / "reports" / (ablation if runs else "published") / (other or ablation)
        print_written(console, "table", lambda: write_table(made, file)["md"])


def print_report(runs: "Runs", store: Store, console: Terminal) -> None:
    """Print the table of an ablation as far as it has run, and write its report."""
    from mmprolong.reporting.report.report import write_report
    from mmprolong.reporting.tables.paper_tables import table_of
    from mmprolong.reporting.tables.render import print_table

    made = table_of(runs)
    print_table(console, made)
    print_written(console, "report", lambda: write_report(runs, made, store.root))


def _read(ablation: str, source: str | None, store: Path) -> "Runs":
    """Read the runs from the source asked for, with notes on stale ones."""
    from mmprolong.reporting.results.items import FILE, read_items
    from mmprolong.reporting.results.store import mark_stale, read_store
    from mmprolong.reporting.results.wandb import read_offline, read_wandb

    if source is None:
        runs = read_store(store, ablation)
    elif source == "offline":
        runs = read_offline(store, ablation)
    elif Path(source).name == FILE:
        runs = read_items(Path(source))
        if runs.plan.ablation != ablation:
            raise ConfigError(f"report {ablation} --from {source}: it holds {runs.plan.ablation}; name that")
    elif source.count("/") == 1:
        runs = read_wandb(store, ablation, source)
    else:
        raise ConfigError(f"--from {source!r}: write offline, ENTITY/PROJECT of W&B, or a report's {FILE}")
    return mark_stale(runs, store)


@click.command()
@click.argument("claims", nargs=-1)
@json_output
@stored
def claims(claims: tuple[str, ...], as_json: bool, store: Store) -> None:
    """Judge the papers' claims by the printed numbers and by ours: those named, in full, or a table of all."""
    from mmprolong.reporting.claims.judge import claims_table, judge_claims
    from mmprolong.reporting.tables.render import print_table, to_json, write_table

    console, judged = Terminal(), judge_claims(store.root, claims)
    made = claims_table(judged)
    if as_json:
        print_json(to_json(made) | {"verdicts": {one.claim.name: one for one in judged}})
        return
    if claims:
        for row in made.rows:
            for column, cell in zip(made.columns, row, strict=True):
                console.say(f"{column.title}: {cell.text}{cell.symbol}")
        for note in made.notes[1:]:
            console.say(note, "dim")
        return
    print_table(console, made.without("command"))
    console.say("what settles them:")
    for command in dict.fromkeys(one.runs.command for one in judged):
        console.say(f"{command}\n  {', '.join(one.claim.name for one in judged if one.runs.command == command)}")
    if store.root.is_dir():
        target = store.root / "reports" / "claims" / made.name
        print_written(console, "table", lambda: write_table(made, target)["md"])


@click.command()
@launched
@stored
def power(ablation: str, store: Store) -> None:
    """Print the smallest difference that an ablation's design can see, and what twice as much would see."""
    from mmprolong.reporting.results.store import read_and_mark_stale
    from mmprolong.reporting.tables.paper_tables import table_of
    from mmprolong.reporting.tables.power_table import power_table
    from mmprolong.reporting.tables.render import print_table

    runs, console = read_and_mark_stale(store.root, ablation), Terminal()
    print_table(console, power_table(runs, table_of(runs).comparisons))
