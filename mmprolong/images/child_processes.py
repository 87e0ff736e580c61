"""Child processes for hostile input, which may hang, bomb or crash in them: each has limits of time and memory."""

import multiprocessing
import multiprocessing.util
import os
import resource
import signal
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from mmprolong.errors import ConfigError, DiskFull, EndpointError, OverBudget
from mmprolong.runtime.run_log import Interrupted

Job = TypeVar("Job")
_TOLD = (ConfigError, DiskFull, EndpointError, OverBudget)
"""Errors of a child that end the step, as they would without one."""
_ASKED = {-signal.SIGTERM, -signal.SIGHUP, -signal.SIGUSR2}
"""Exit codes of a child that was ended by a person or a scheduler, not by its input."""
_LONGEST_FOLDER = 60
"""Letters of a folder in which sockets fit: Linux takes 107 for a socket, of which Python adds 32."""
_WAITS = 20
"""Wall time of a job, in its processor time: on a machine that does much else, a job that works waits, too."""
_KILL_SECONDS = 1.0
"""Time until a SIGKILL that ends all our processes, one after the other, has reached this one, too [s]."""


@dataclass(frozen=True, slots=True)
class Children(Generic[Job]):
    """Children that do jobs with one function.

    Args:
        do: does a job and writes its result; importable, so that a child finds it.
        died: writes the result of a job in which a child died, told a countable reason and a detail.
        seconds: processor time of a job [s]; one that waits instead is ended after 20 times as much wall time.
        memory: of a job [MiB].
        preload: modules that a child has imported before its first job.
    """

    do: Callable[[Job], None]
    died: Callable[[Job, str, str], None]
    seconds: int
    memory: int
    preload: Sequence[str] = ()

    def each(self, jobs: Iterable[Job], width: int = 0) -> Iterator[Job]:
        """Do the jobs side by side; yields each when its result is written. A death takes only its own job along.

        Args:
            width: children; 0: one for each core that this process may use.

        Raises:
            Interrupted: a child was ended from outside.
            DiskFull: a result could not be written.
        """
        waiting = deque(jobs)
        count = min(width or len(os.sched_getaffinity(0)), len(waiting))
        busy: dict[Connection, tuple[_Child, Job]] = {}
        try:
            for _ in range(count):
                _give(self._start(), waiting, busy)
            while busy:
                for connection in wait(list(busy)):
                    assert isinstance(connection, Connection)
                    child, job = busy.pop(connection)
                    alive = self._finished(child, job)
                    yield job
                    _give(child if alive else self._start() if waiting else None, waiting, busy)
        finally:
            for child, _ in busy.values():
                child.process.kill()
                child.process.join()

    def _start(self) -> "_Child":
        context = multiprocessing.get_context("forkserver")
        _shorten_socket_paths()
        context.set_forkserver_preload([__name__, *self.preload])
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.do, self.seconds, self.memory), daemon=True)
        process.start()
        theirs.close()
        return _Child(process, ours)

    def _finished(self, child: "_Child", job: Job) -> bool:
        """Tell whether the child lives on; if it died of its input, the job's result names the cause."""
        try:
            problem = child.connection.recv()
        except (EOFError, ConnectionResetError):
            child.connection.close()
            child.process.join()
            code = child.process.exitcode or 0
            if code in _ASKED:
                raise Interrupted from None
            if code == -signal.SIGKILL:
                time.sleep(_KILL_SECONDS)
            self.died(job, *_obituary(code, self.seconds))
            return False
        if problem is not None:
            raise problem
        return True


class _Child(NamedTuple):
    process: ForkServerProcess
    connection: Connection


def _serve(connection: Connection, do: Callable[[Job], None], seconds: int, memory: int) -> None:
    """Do the jobs that come over `connection` until it closes; answers each with None, or with the error.

    That is an error of the settings, the disk or an endpoint, or the traceback of a bug of ours, which is shown by the
    process that waits for us.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Their default actions end the process, even inside a C library.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        limit = base + memory * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, _WAITS * seconds)
        try:
            do(job)
            problem = None
        except _TOLD as error:
            problem = error
        except Exception:  # noqa: BLE001
            problem = RuntimeError(f"{job}: {traceback.format_exc()}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            connection.send(problem)
        except BrokenPipeError:  # the parent was killed
            return


def _shorten_socket_paths() -> None:
    """Keep the socket of the fork server in /tmp where the folder for temporary files has a name too long for sockets.

    Source: Python 3.14 does so itself (https://github.com/python/cpython/issues/93852).
    """
    before = tempfile.tempdir
    if len(tempfile.gettempdir()) > _LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"
        multiprocessing.util.get_temp_dir()  # made once a process, and remembered
        tempfile.tempdir = before


def _give(child: _Child | None, waiting: "deque[Job]", busy: "dict[Connection, tuple[_Child, Job]]") -> None:
    """Hand the child its next job, or let it go if none is left."""
    if child is None:
        return
    if not waiting:
        child.connection.close()
        child.process.join()
        return
    job = waiting.popleft()
    child.connection.send(job)
    busy[child.connection] = (child, job)


def _obituary(code: int, seconds: int) -> tuple[str, str]:
    """Return reason and detail of a death."""
    if code in (-signal.SIGPROF, -signal.SIGALRM):
        return "timed out", f"after {seconds} s"
    if code < 0:
        return "crashed", signal.Signals(-code).name
    return "crashed", f"exit code {code}"
