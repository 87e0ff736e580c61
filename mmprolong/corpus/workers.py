"""Processes that read PDFs and may die of them."""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import NamedTuple

from mmprolong.corpus.reading import Job, Part, serve, write_part
from mmprolong.records import Reject
from mmprolong.runtime.run_log import Interrupted

_ASKED = {-signal.SIGTERM, -signal.SIGHUP, -signal.SIGUSR2}
"""Exit codes of a worker that was ended by a person or a scheduler, not by its document."""
_KILL_SECONDS = 1.0
"""Who kills one of our processes with SIGKILL may be about to kill all: time for that [s]."""


class _Worker(NamedTuple):
    process: ForkServerProcess
    connection: Connection


def read_all(jobs: Iterable[Job], workers: int = 0) -> Iterator[Job]:
    """Do the jobs side by side; yields each when its part is written. A process that dies takes only its job along.

    Args:
        workers: processes; 0: one for each core that this process may use.
    """
    waiting = deque(jobs)
    count = min(workers or len(os.sched_getaffinity(0)), len(waiting))
    busy: dict[Connection, tuple[_Worker, Job]] = {}
    try:
        for _ in range(count):
            _give(_start(waiting[0].renderer), waiting, busy)
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                worker, job = busy.pop(connection)
                alive = _finished(worker, job)
                yield job
                _give(worker if alive else _start(job.renderer) if waiting else None, waiting, busy)
    finally:
        for worker, _ in busy.values():
            worker.process.kill()
            worker.process.join()


def _start(library: str) -> _Worker:
    """A worker that is forked with everything imported; a renderer has the name of its library."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mmprolong.corpus.reading", library])
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _give(worker: _Worker | None, waiting: deque[Job], busy: dict[Connection, tuple[_Worker, Job]]) -> None:
    """Hand the worker its next job, or let it go if none is left."""
    if worker is None:
        return
    if not waiting:
        worker.connection.close()
        worker.process.join()
        return
    job = waiting.popleft()
    worker.connection.send(job)
    busy[worker.connection] = (worker, job)


def _finished(worker: _Worker, job: Job) -> bool:
    """Whether the worker lives on; if it died of its document, its part says of what.

    Raises:
        Interrupted: it was ended from outside; the document is read again.
        DiskFull: the part could not be written.
        RuntimeError: a bug of ours, with its traceback.
    """
    try:
        problem = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.connection.close()
        worker.process.join()
        if worker.process.exitcode in _ASKED:
            raise Interrupted from None
        if worker.process.exitcode == -signal.SIGKILL:
            time.sleep(_KILL_SECONDS)
        write_part(job.part, Part(reject=_obituary(job, worker.process.exitcode or 0)))
        return False
    if problem is not None:
        raise problem
    return True


def _obituary(job: Job, exit_code: int) -> Reject:
    if exit_code == -signal.SIGALRM:
        return Reject(what=job.source, reason="timed out", detail=f"after {job.seconds} s")
    if exit_code < 0:
        return Reject(what=job.source, reason="crashed", detail=signal.Signals(-exit_code).name)
    return Reject(what=job.source, reason="crashed", detail=f"exit code {exit_code}")
