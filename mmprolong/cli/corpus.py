"""`mmprolong corpus`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mmprolong.cli.running import add_overrides, asked, finish
from mmprolong.cli.tables import histogram, rejects_table, table
from mmprolong.cli.terminal import Terminal
from mmprolong.records import Document, Reject, read_jsonl


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which pool, and how."""
    add_overrides(parser)


def run(arguments: argparse.Namespace) -> None:
    """Open every PDF of the pool: what is readable, how long it is, what was refused and why."""
    console = Terminal()
    plan = asked(arguments.overrides)
    finish(plan, ["corpus"], console)
    _summary(plan.folder("corpus"), console)


def _summary(folder: Path, console: Terminal) -> None:
    documents = list(read_jsonl(folder / "documents.jsonl", Document))
    splits = {split: [one.pages for one in documents if one.split == split] for split in ("train", "heldout")}
    rows = [_row(split, pages) for split, pages in {**splits, "all": [one.pages for one in documents]}.items()]
    console.print(table("documents", ("split", "documents", "pages", "median pages", "longest"), rows))
    console.print(histogram("lengths", "pages", (one.pages for one in documents)))
    rejects = rejects_table(read_jsonl(folder / "rejects.jsonl", Reject))
    console.print(rejects or "nothing was refused")


def _row(split: str, pages: Sequence[int]) -> tuple[object, ...]:
    return split, len(pages), sum(pages), f"{median(pages or [0]):g}", max(pages, default=0)
