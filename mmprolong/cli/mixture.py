"""`mmprolong mixture`."""

import argparse
from collections.abc import Mapping
from typing import Any

from mmprolong.cli.running import add_overrides, add_phase, asked, finish, phase_roles
from mmprolong.cli.tables import span, table
from mmprolong.cli.terminal import Terminal
from mmprolong.store.atomic import read_json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which mixture."""
    add_overrides(parser)
    add_phase(parser)


def run(arguments: argparse.Namespace) -> None:
    """Draw the mixture of a phase, and certify what is in it."""
    console = Terminal()
    plan = asked(arguments.overrides)
    (role,) = phase_roles(plan, arguments.phase, "mixture")
    finish(plan, [role], console)
    folder = plan.folder(role)
    certificate = read_json(folder / "certificate.json")
    console.print(_tasks(certificate))
    console.print(_lengths(certificate))
    console.print(_packs(certificate, plan.config.phases[arguments.phase].mixture.pack), soft_wrap=True)


def _tasks(certificate: Mapping[str, Any]) -> Any:
    long = [(task, one["target"], one["actual"], one["instances"]) for task, one in certificate["tasks"].items()]
    short, whole = certificate["short"], certificate["tokens"]
    rows = [*long, ("short data", short["target"], short["actual"], ""), ("all", whole["target"], whole["actual"], "")]
    shares = [(*row, f"{row[2] / max(whole['actual'], 1):.1%}") for row in rows]
    return table("", ("tokens by task", "target", "actual", "instances", "share"), shares)


def _lengths(certificate: Mapping[str, Any]) -> Any:
    columns = ("instances of tokens", "target share", "share", "tokens", "instances")
    rows = [
        (
            span(one["from"], one["to"]),
            f"{one['target_share']:.1%}",
            f"{one['share']:.1%}",
            one["tokens"],
            one["instances"],
        )
        for one in certificate["lengths"]
    ]
    return table("", columns, rows)


def _packs(certificate: Mapping[str, Any], capacity: int) -> str:
    return (
        f"{certificate['packs']:,} packs of {capacity:,} tokens, {certificate['fill']:.1%} full; "
        f"{certificate['repeats']:,} repeats; {certificate['documents']:,} documents"
    )
