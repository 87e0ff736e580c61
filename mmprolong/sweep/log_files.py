"""Logs of steps: one file for each step on this machine, one for each job on Slurm, attempt after attempt."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import mmprolong
from mmprolong.pipeline.steps import Step
from mmprolong.store.store import Store

_HEADING = "mmprolong runs "
_TAIL = 8192
"""Size of the end of a log that is read at first, doubled until it holds enough lines [bytes]."""


def local_log(store: Store, step: Step) -> Path:
    """Return the log of the processes that ran a step on this machine."""
    return store.root / "logs" / f"{step.stage}-{step.id}.log"


def newest(paths: Iterable[Path]) -> Path | None:
    """Return the file that was written last; None if none of them exists."""
    return max((path for path in paths if path.exists()), key=lambda path: path.stat().st_mtime_ns, default=None)


def heading(step: Step, share: str = "") -> str:
    """Return the line above the output of an attempt at a step, or at a share of its parts."""
    return f"{_HEADING}{step.path} ({step.label}), code {Path(mmprolong.__file__).parent}{share}"


def newest_attempt(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines below the last heading; all if there is none, as the attempt began above them."""
    headings = (place for place, line in enumerate(lines) if line.startswith(_HEADING))
    return lines[max(headings, default=-1) + 1 :]


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file without empty ones; none if the file cannot be read."""
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
