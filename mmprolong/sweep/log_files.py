"""Logs that processes leave: a worker's holds step after step, a job's attempt after attempt, each below a heading."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mmprolong
from mmprolong.pipeline.steps import Step
from mmprolong.settings.stages import STAGES
from mmprolong.store.store import Store

WORKER_LOGS = "logs"
_HEADING = re.compile(rf"({'|'.join(STAGES)})/\S+ \(.*\), code .+")
_TAIL = 8192
"""How much of the end of a log is read at first, twice as much until it is enough [bytes]."""


@dataclass(frozen=True, slots=True)
class StepLog:
    """What was written while one step ran."""

    path: Path
    lines: list[str]
    """Empty ones are left out."""


def heading(step: Step, share: str = "") -> str:
    """Return the line that a process writes as it begins a step, or a share of its parts."""
    return f"{step.path} ({step.label}), code {Path(mmprolong.__file__).parent}{share}"


def newest_attempt(lines: Sequence[str]) -> Sequence[str]:
    """Return those of `lines` below the last heading; all, if there is none: the attempt began above them."""
    headings = (place for place, line in enumerate(lines) if _HEADING.fullmatch(line))
    return lines[max(headings, default=-1) + 1 :]


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file, empty ones left out; none if it is not there."""
    try:
        with path.open("rb") as file:
            found, start, size = [], file.seek(0, os.SEEK_END), _TAIL
            end = start
            while start and len(found) <= lines:  # the first of them may be torn
                start = file.seek(max(0, end - size))
                found = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
                size *= 2
    except OSError:
        return []
    return found[max(0, len(found) - lines) :]


def worker_logs(store: Store) -> dict[str, StepLog]:
    """Return what the newest attempt at each step wrote on this machine, by `stage/id`."""
    logs = sorted((store.root / WORKER_LOGS).glob("worker-*.log"), key=lambda path: path.stat().st_mtime)
    return dict(each for path in logs for each in read_worker_log(path))


def read_worker_log(path: Path) -> Iterator[tuple[str, StepLog]]:
    """Yield the steps of one worker, `stage/id`, in the order in which it ran them."""
    log = StepLog(path, [])
    for line in path.read_text(errors="replace").splitlines():
        if _HEADING.fullmatch(line):
            log = StepLog(path, [])
            yield line.partition(" ")[0], log
        elif line.strip():
            log.lines.append(line)
