"""Execution of a step in ranks: `torch.distributed.run` starts this module as its processes on each node of the job.

Standard input of a rank ends when the step is asked to stop, or when the process that started the ranks is killed.
"""

import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from mmprolong.errors import StepFailed
from mmprolong.pipeline.run import follow_step, run_step
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_process, read_failure, write_failure
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.runtime.work import World
from mmprolong.settings.execution import Tracking
from mmprolong.store.store import FAILED, Store

_LOOK_SECONDS = 0.2
_GRACE = 5.0
"""Time for the node of a killed rank to write its failure first [s]."""
_SAVE_SECONDS = 300.0
"""Time that a rank has to save its progress once standard input has ended [s]."""
_LAST_LINES = 60
"""Last lines of the ranks that are kept; longer than the report of a failure."""
_REPORT = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s+exitcode\s*: (-?\d+) ")
"""Entry in the report of `torch.distributed.run`; the last entry is the rank that failed first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Nodes and processes of a step's ranks, as seen from one node."""

    processes: int
    """Number of processes on each node."""
    nodes: int = 1
    node: int = 0
    """Index of this node."""
    endpoint: str = "localhost:0"
    """Address on node 0 at which the nodes meet."""
    start: str = ""
    """Name of the attempt, equal on all nodes; empty: a random name, for one node."""


def run_in_ranks(
    store: Store, step: Step, tracking: Tracking, group: str, stopping: Callable[[], bool], place: Place
) -> None:
    """Run this node's ranks of a step; each is a process of this module. Does nothing for a finished step.

    Raises:
        Interrupted: the step was asked to stop and has saved its progress.
        StepFailed: names the rank that failed.
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
    """Return the command that starts the ranks of one node."""
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
    return [sys.executable, "-m", "torch.distributed.run", *words, "-m", "mmprolong.pipeline.ranks"]


def _copy(source: IO[str], last: deque[str]) -> None:
    """Pass on the output of the ranks, and keep its last lines."""
    for line in source:
        sys.stderr.write(line)
        last.append(line)


def _fail(store: Store, step: Step, place: Place, written: str, code: int) -> None:
    """Raise the failure of the ranks; that of a killed rank, which could not write it down, is written here."""
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


def main(store: str, step: str, tracking: str, group: str) -> None:
    """Run this rank of a step; one that is asked to stop ends with exit code 0."""
    signals, ended = StopSignals(), threading.Event()
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    world = World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), os.environ["TORCHELASTIC_RUN_ID"])
    decoded = msgspec.json.decode(step, type=Step)

    def stopping() -> bool:
        return ended.is_set() or signals.stopping()

    try:
        if world.rank == 0:
            run_step(Store(Path(store)), decoded, msgspec.json.decode(tracking, type=Tracking), group, stopping, world)
        else:
            follow_step(Store(Path(store)), decoded, stopping, world)
    except Interrupted:
        return


def _watch(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()
    threading.Event().wait(_SAVE_SECONDS)
    os._exit(1)  # the ranks that it waits for in a collective call are gone


if __name__ == "__main__":
    main(*sys.argv[1:])
