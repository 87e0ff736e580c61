"""Steps on this machine: a launcher, and the worker processes that it keeps busy, no more than there are cores.

A worker runs steps one after another, so that the heavy imports are paid once. It reads assignments from standard
input, one a line, and answers each with a line `{"error": "..."}`, empty on success. All other output goes to the log
of the step at hand. SIGTERM ends it once that step has saved its progress; Ctrl-C is for the launcher, which sends it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

import msgspec

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_process, read_failure, write_failure
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.settings.stages import STAGES
from mmprolong.store.lease import is_held
from mmprolong.store.store import DONE, FAILED, Store
from mmprolong.sweep.assignment import Assignment, local_log, newest_attempt, tail
from mmprolong.sweep.code_copy import code_variables, copy_code
from mmprolong.sweep.resources import THREADS, drop_foreign_variables, workers
from mmprolong.sweep.state import StepState, completed_steps, running

_TICK = 0.25
"""Time between two looks at the progress [s]."""
_GRACE = 30.0
"""Time that workers have to save their progress [s]."""
_LAST_LINES = 30
"""Last lines of its log that are kept of a step whose process died."""


class _Worker:
    """A worker process and its assignment."""

    def __init__(self, store: Store, variables: dict[str, str]) -> None:
        self.given: Assignment | None = None
        command = [sys.executable, "-m", "mmprolong.sweep.local", str(store.root)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=variables, text=True, bufsize=1)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    def give(self, assignment: Assignment) -> None:
        self.requests.write(msgspec.json.encode(assignment).decode() + "\n")
        self.requests.flush()
        self.given = assignment

    def answer(self) -> str | None:
        """Return the error of the step that ended, empty on success; None if the process died."""
        line = self.answers.readline()
        return json.loads(line)["error"] if line else None

    def ask_to_stop(self) -> None:
        with suppress(BrokenPipeError):  # it died with something still to read
            self.requests.close()
        self.process.terminate()

    def stop(self) -> None:
        self.process.kill()
        with suppress(BrokenPipeError), self.process:  # which closes the pipes
            pass


class Launcher:
    """Runs the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store = store
        self.plan = plan
        self._states = dict.fromkeys(plan.steps, StepState(state="open"))
        for name in completed_steps(store, plan):
            self._finish(plan.steps[name])
        self._count = workers(plan.cluster)
        self._workers: list[_Worker] = []
        self._waiting: deque[Assignment] = deque()
        """Shares of a step's parts, and steps whose shares are done."""
        self._shares: dict[str, int] = {}
        """Number of unfinished shares by step."""

    @property
    def over(self) -> bool:
        """True if no step is running or can still run."""
        return not {"open", "running"} & {at.state for at in self._states.values()}

    def run(self, tick: Callable[[], None]) -> None:
        """Run until nothing more can run; `tick` is called a few times a second.

        An interrupt ends the workers; finished steps stay, and a second run goes on from there.

        Raises:
            DiskFull: there is no room for the copy of the code that the workers run.
        """
        drop_foreign_variables()
        variables = {**os.environ, **code_variables(copy_code(self.store)), **THREADS}
        try:
            while not self.over:
                self._give(variables)
                ready = wait([worker.answers.fileno() for worker in self._workers], _TICK)
                for worker in [worker for worker in self._workers if worker.answers.fileno() in ready]:
                    self._collect(worker)
                tick()
        finally:
            self._stop()

    def states(self) -> dict[str, StepState]:
        """Return the states of the steps by id; running ones report their progress."""
        now = {name: running(self._folder(name)) for name, at in self._states.items() if at.state == "running"}
        return self._states | now

    def _folder(self, name: str) -> Path:
        return self.store.folder(self.plan.steps[name].stage, name)

    def _finish(self, step: Step) -> None:
        self._states[step.id] = StepState(state="finished", record=self.store.record(step.stage, step.id))

    def _ready(self) -> Iterator[str]:
        """Yield the steps whose inputs are finished, in the order of the plan; marks those that are blocked."""
        for name in [name for name, at in self._states.items() if at.state == "open"]:
            inputs = {self._states[each].state for each in self.plan.steps[name].inputs.values()}
            if inputs & {"failed", "blocked"}:
                self._states[name] = StepState(state="blocked")
            elif inputs <= {"finished"}:
                yield name

    def _fill(self) -> None:
        """Let the next step wait for a worker: all of it or, if workers outnumber steps, shares of its parts."""
        ready = list(self._ready())
        if self._waiting or not ready:
            return
        step = self.plan.steps[ready[0]]
        self._states[step.id] = StepState(state="running")
        if STAGES[step.stage].way == "parts" and len(ready) < self._count:
            (self._folder(step.id) / FAILED).unlink(missing_ok=True)
            self._shares[step.id] = width = self._count
            self._waiting.extend(Assignment.of(self.plan, step.id, element, width) for element in range(width))
        else:
            self._waiting.append(Assignment.of(self.plan, step.id))

    def _give(self, variables: dict[str, str]) -> None:
        """Give waiting assignments to idle workers, and to new ones as long as there are cores for all ranks."""
        while True:
            self._fill()
            busy = sum(worker.given.ranks for worker in self._workers if worker.given)
            if not self._waiting or (busy and busy + self._waiting[0].ranks > self._count):
                return
            worker = next((worker for worker in self._workers if not worker.given), None)
            if worker is None:
                worker = _Worker(self.store, variables)
                self._workers.append(worker)
            try:
                worker.give(self._waiting[0])
            except BrokenPipeError:
                return  # the process died while it was idle: its end is collected next, and another runs the step
            self._waiting.popleft()

    def _collect(self, worker: _Worker) -> None:
        """Take the answer of a worker, or its death."""
        answer, given = worker.answer(), worker.given
        if given and given.width:  # the step that joins the parts runs failed ones again, and reports them
            self._shares[given.step.id] -= 1
            if not self._shares[given.step.id]:
                self._waiting.append(Assignment.of(self.plan, given.step.id))
        elif given:
            error = self._note_death(worker, given.step) if answer is None else answer
            if error:
                failure = read_failure(self._folder(given.step.id)) or Failure("killed", error)
                self._states[given.step.id] = StepState(state="failed", failure=failure)
            else:
                self._finish(given.step)
        worker.given = None
        if answer is None:
            worker.stop()
            self._workers.remove(worker)

    def _note_death(self, worker: _Worker, step: Step) -> str:
        """Write down and return the reason why the step of a dead process failed; empty if the step is finished.

        A step that another sweep has taken up meanwhile is left to that.
        """
        folder = self._folder(step.id)
        failure = from_process(worker.process.wait())
        if (folder / DONE).exists():
            return ""
        if not is_held(folder):
            written = newest_attempt(tail(local_log(self.store, step), _LAST_LINES))
            write_failure(folder, failure, "\n".join(written))
        return failure.message

    def _stop(self) -> None:
        """End the workers; a running step may save its progress. A second interrupt does not wait for it."""
        end = time.monotonic() + _GRACE
        try:
            for worker in self._workers:
                worker.ask_to_stop()
            for worker in self._workers:
                worker.process.wait(max(end - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            return
        finally:
            for worker in self._workers:
                worker.stop()
            ended = [name for name, at in self._states.items() if at.state == "running"]
            self._states |= dict.fromkeys(ended, StepState(state="open"))


def main(root: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping, store = StopSignals().stopping, Store(Path(root))
    for line in sys.stdin:
        given = msgspec.json.decode(line, type=Assignment)
        try:
            error = _run(store, given, stopping)
        except Interrupted:
            raise SystemExit(128 + signal.SIGTERM) from None
        answers.write(json.dumps({"error": error}) + "\n")


def _run(store: Store, given: Assignment, stopping: Callable[[], bool]) -> str:
    """Run an assignment; returns the reason why it failed, empty on success.

    Raises:
        Interrupted: it was asked to stop.
    """
    try:
        _redirect_output(local_log(store, given.step))
        print(given.heading, flush=True)  # noqa: T201  (the log of the step)
        given.run(store, stopping)
    except MMProLongError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a bug in one arm must not sink the others; its traceback is in failed.json)
        return f"{type(error).__name__}: {error}"
    return ""


def _redirect_output(path: Path) -> None:
    """Append all further output of this process and its children to a file."""
    sys.stdout.flush()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
