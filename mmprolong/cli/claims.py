"""`mmprolong claims`."""

import argparse
from pathlib import Path

from mmprolong.cli.lookup import add_mixed_code, add_store
from mmprolong.cli.terminal import Terminal, print_written


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which claims."""
    parser.add_argument("claims", nargs="*", help="names of claims, in full; none: a table of all")
    add_mixed_code(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """What the papers claim: supported, contradicted, too small to tell, or not run; by their numbers and by ours."""
    from mmprolong.reporting.claims.report import claims_table, describe, judge_claims, settled_by
    from mmprolong.reporting.tables.render import write_table
    from mmprolong.reporting.tables.terminal import TerminalTable

    store, console = Path(arguments.store), Terminal()
    judged = judge_claims(store, arguments.claims, arguments.mixed_code)
    if arguments.claims:
        for one in judged:
            console.print("\n".join(describe(one)), soft_wrap=True)
        return
    made = claims_table(judged)
    console.print(TerminalTable(made.without("command")))
    console.print("what settles them:")
    for command, names in settled_by(judged).items():
        for text in (command, f"  {', '.join(names)}"):
            console.print(text, soft_wrap=True)
    if store.is_dir():
        stem = store / "reports" / "claims" / made.name
        print_written(console, "table", lambda: write_table(made, stem)["md"])
