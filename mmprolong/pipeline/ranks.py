"""A step in ranks: `torch.distributed.run` starts its processes inside the job, on every node of it alike."""

import re
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import msgspec

from mmprolong.errors import StepFailed
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_process, read_failure, write_failure
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import FAILED, Store

_LOOK_SECONDS = 0.2
_GRACE = 5.0
"""[s]"""
_LAST_LINES = 60
"""Lines of the ranks that are kept; the report of a failure is shorter."""
_REPORT = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s+exitcode\s*: (-?\d+) ")
"""In the report of `torch.distributed.run`, whose last entry is the rank that failed first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Processes and nodes of a step in ranks, as seen from one of the nodes."""

    processes: int
    """On each node."""
    nodes: int = 1
    node: int = 0
    """Number of this one."""
    endpoint: str = "localhost:0"
    """Of node 0, where the nodes meet."""
    start: str = ""
    """The same on all nodes, and another at the next attempt; empty: made up, for one node."""


def run_in_ranks(
    store: Store, step: Step, tracking: Tracking, group: str, stopping: Callable[[], bool], place: Place
) -> None:
    """Run this node's ranks of a step to their end; each runs `rank`. A step that is finished is not run.

    Raises:
        Interrupted: the step was asked to stop, and has saved what it had.
        StepFailed: a rank failed; names it.
    """
    if store.record(step.stage, step.id) is not None:
        return
    if place.node == 0:
        (store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)
    words = [str(store.root), *(msgspec.json.encode(each).decode() for each in (step, tracking)), group]
    agent = subprocess.Popen([*_launcher(place), *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert agent.stdin is not None and agent.stderr is not None
    last: deque[str] = deque(maxlen=_LAST_LINES)
    copying = threading.Thread(target=_copy, args=(agent.stderr, last))
    copying.start()
    while agent.poll() is None:
        if stopping():
            agent.stdin.close()
        time.sleep(_LOOK_SECONDS)
    agent.stdin.close()
    copying.join()
    agent.stderr.close()
    if store.record(step.stage, step.id) is not None:
        return
    if stopping():
        raise Interrupted
    if agent.returncode:
        _fail(store, step, place, "".join(last), agent.returncode)
    if place.node == 0:  # elsewhere rank 0 may still be writing the record
        raise Interrupted


def _launcher(place: Place) -> list[str]:
    """Return the command that starts the ranks of one node; those of all nodes find each other at its endpoint."""
    options = {
        "nnodes": place.nodes,
        "nproc-per-node": place.processes,
        "max-restarts": 0,
        "rdzv-backend": "c10d",
        "rdzv-endpoint": place.endpoint,
        "rdzv-id": place.start or secrets.token_hex(4),
        "rdzv-conf": f"is_host={int(place.node == 0)}",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return [sys.executable, "-m", "torch.distributed.run", *words, "-m", "mmprolong.pipeline.rank"]


def _copy(source: IO[str], last: deque[str]) -> None:
    """Pass on what the ranks write, and keep the end of it."""
    for line in source:
        sys.stderr.write(line)
        last.append(line)


def _fail(store: Store, step: Step, place: Place, written: str, code: int) -> None:
    """Raise what went wrong in the ranks; one that was killed could not write it down, so it is written here."""
    folder = store.folder(step.stage, step.id)
    reported = _REPORT.findall(written)
    rank, code = (int(each) for each in reported[-1]) if reported else (None, code)
    if code < 0 or not (folder / FAILED).exists():
        found = from_process(code)
        where = "ranks: " if rank is None else f"rank {rank}: "
        write_failure(folder, Failure(found.kind, where + found.message), written)
    elif place.nodes > 1:
        time.sleep(_GRACE)  # where a rank was killed, the node says so before Slurm ends it for the failure of this one
    failure = read_failure(folder)
    raise StepFailed(f"{step.path}: {failure.message if failure else 'its ranks failed, and left no note'}")
