"""`mmprolong synthesis`."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from mmprolong.cli.running import add_overrides, add_phase, asked, finish, phase_roles
from mmprolong.cli.tables import histogram, number, rejects_table, table
from mmprolong.cli.terminal import Terminal
from mmprolong.records import Reject, read_jsonl


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the summary needs of an instance."""

    task: str
    tokens: int
    supervised: int


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which instances."""
    add_overrides(parser)
    add_phase(parser)
    parser.add_argument("--suite", action="store_true", help="the questions of the suite, not those of a phase")


def run(arguments: argparse.Namespace) -> None:
    """Write the instances of a phase or of the suite, and count them."""
    console = Terminal()
    plan = asked(arguments.overrides)
    roles = ["suite.source"] if arguments.suite else phase_roles(plan, arguments.phase, "source", "short")
    finish(plan, roles, console)
    for role in roles:
        _summary(role, plan.folder(role), console)


def _summary(role: str, folder: Path, console: Terminal) -> None:
    counted = sorted(read_jsonl(folder / "instances.jsonl", _Counted), key=lambda one: one.task)
    columns = ("task", "instances", "tokens", "supervised", "min / median / max")
    console.print(table(role, columns, _rows(counted)))
    console.print(histogram("lengths", "tokens", (one.tokens for one in counted)))
    console.print(rejects_table(read_jsonl(folder / "rejects.jsonl", Reject)) or "nothing was refused")


def _rows(counted: list[_Counted]) -> Iterator[tuple[object, ...]]:
    for task, group in groupby(counted, key=lambda one: one.task):
        yield _row(task, list(group))
    yield _row("all", counted)


def _row(task: str, of_task: Iterable[_Counted]) -> tuple[object, ...]:
    instances = list(of_task)
    tokens = [one.tokens for one in instances]
    each = " / ".join(number(value) for value in (min(tokens), round(median(tokens)), max(tokens)))
    return task, len(instances), sum(tokens), sum(one.supervised for one in instances), each
