"""Which job was asked to run which step, and by which ablations it is wanted: one line a step, only ever appended."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mmprolong.errors import writing
from mmprolong.pipeline.plan import PLANS
from mmprolong.store.store import Store

JOBS = "jobs.jsonl"
LOGS = "slurm"
"""Folder of the jobs' logs, beside their record."""
CANCELLED = "cancelled"
"""Note on a job that we have taken out of the queue: Slurm forgets that, of single elements of an array at once."""
RELEASED = "released"
"""Note on a job that the ablation wants no more, and others do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One step, handed to Slurm once. Its line stands in the folder of every ablation that wants the job."""

    step: str
    job: str
    """Slurm's id: `4711`, or `4711_3` for element 3 of an array."""
    ablation: str
    """Which has submitted it, and keeps its log."""
    time: str
    """UTC, ISO 8601."""
    code: str
    """Name of the copy of the code that it runs, beside this file."""
    note: str = ""
    """What has become of it: `CANCELLED`, `RELEASED`, or empty."""


def append(folder: Path, submissions: Iterable[Submission]) -> None:
    """Add lines to the record of an ablation's folder; they are on the disk when this returns.

    Raises:
        DiskFull: they are not.
    """
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in submissions)
    if not lines:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder / JOBS), (folder / JOBS).open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * torn + lines)
        file.flush()
        os.fsync(file.fileno())


def marked(submissions: Iterable[Submission], note: str) -> list[Submission]:
    """New lines for the same jobs, with what became of them."""
    time = now()
    return [replace(each, note=note, time=time) for each in submissions]


def now() -> str:
    """The time of a line that is written now."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def latest(store: Store) -> dict[str, Submission]:
    """The newest submission of each step, of all ablations in the store; a torn last line does not count."""
    return _newest(each for path in _records(store) for each in _lines(path))


def wanted(store: Store) -> dict[str, dict[str, str]]:
    """The jobs that each ablation has asked for and not given up, by step."""
    newest = {path.parent.name: _newest(_lines(path)) for path in _records(store)}
    return {name: {step: each.job for step, each in steps.items() if not each.note} for name, steps in newest.items()}


def _records(store: Store) -> Iterable[Path]:
    return (store.root / PLANS).glob(f"*/{JOBS}")


def _lines(path: Path) -> Iterator[Submission]:
    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=Submission)
        except msgspec.DecodeError:
            continue


def _newest(submissions: Iterable[Submission]) -> dict[str, Submission]:
    found: dict[str, Submission] = {}
    for each in submissions:
        if each.step not in found or found[each.step].time <= each.time:
            found[each.step] = each
    return found
