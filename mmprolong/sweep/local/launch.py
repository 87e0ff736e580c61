"""Run a plan on this machine: worker processes within the cores, each step once, a failed arm alone fails."""

import json
import os
import secrets
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import msgspec

from mmprolong.pipeline.plan import Plan
from mmprolong.runtime.failures import Failure, from_process, read_failure, write_failure
from mmprolong.settings.execution import Cluster, Tracking
from mmprolong.settings.stages import STAGES
from mmprolong.store.lease import is_held
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import DONE, FAILED, Store
from mmprolong.sweep.assignment import Assignment
from mmprolong.sweep.log_files import WORKER_LOGS, read_worker_log
from mmprolong.sweep.resources import THREADS, drop_foreign_variables, workers
from mmprolong.sweep.snapshot import code_variables, copy_code
from mmprolong.sweep.state import StepState, running, settled_steps

_TICK = 0.25
"""Time between two looks at the progress [s]."""
_GRACE = 30.0
"""Time that workers have to save what they can [s]."""
_LAST_LINES = 30
"""Of its log, that are kept of a step whose process died."""


class _Worker:
    """One worker process and what it was given."""

    def __init__(self, store: Store, variables: dict[str, str], log: IO[bytes]) -> None:
        self.given: Assignment | None = None
        self.log = Path(log.name)
        command = [sys.executable, "-m", "mmprolong.sweep.local.worker", str(store.root)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        self.process = subprocess.Popen(command, **pipes, env=variables, text=True, bufsize=1)

    def give(self, assignment: Assignment) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(assignment).decode() + "\n")
        self.process.stdin.flush()
        self.given = assignment

    def answer(self) -> str | None:
        """Return the error of the step that ended, empty if it is finished; None if the process died."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line)["error"] if line else None

    def ask_to_stop(self) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it died with something still to read
            self.process.stdin.close()
        self.process.terminate()

    def stop(self) -> None:
        self.process.kill()
        with suppress(BrokenPipeError), self.process:  # which closes the pipes
            pass


class Launcher:
    """Runs the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan, cluster: Cluster, tracking: Tracking) -> None:
        self.store = store
        self.plan = plan
        self.cluster = cluster
        self.tracking = tracking
        settled = settled_steps(store, plan)
        self.where = {name: "finished" if name in settled else "open" for name in plan.steps}
        """State by step: `open`, `running`, `finished`, `failed`, or `blocked` by one that failed."""
        self.errors: dict[str, str] = {}
        """Of the steps that failed."""
        self._count = workers(cluster)
        self._workers: list[_Worker] = []
        self._waiting: deque[Assignment] = deque()
        """Shares of a step's parts; and the rest of a step whose parts were shared."""
        self._shares: dict[str, int] = {}
        """Those that are not done, by step."""
        self._records: dict[str, RunRecord | None] = {}

    @property
    def over(self) -> bool:
        """True if no step is running or can still run."""
        return not {"open", "running"} & set(self.where.values())

    def run(self, tick: Callable[[], None]) -> None:
        """Run until nothing more can run; `tick` is called a few times a second.

        An interrupt ends the workers; what they had finished stays, and a second run goes on from there.

        Raises:
            DiskFull: there is no room for the copy of the code that the workers run.
        """
        drop_foreign_variables()
        variables = {**os.environ, **code_variables(copy_code(self.store)), **THREADS}
        (self.store.root / WORKER_LOGS).mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack, selectors.DefaultSelector() as selector:
            stack.callback(self._stop)

            def start() -> _Worker:
                name = f"worker-{os.getpid()}-{secrets.token_hex(4)}.log"
                log = stack.enter_context((self.store.root / WORKER_LOGS / name).open("ab"))
                worker = _Worker(self.store, variables, log)
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # pyright: ignore[reportArgumentType]
                self._workers.append(worker)
                return worker

            self._give(start)
            while not self.over:
                for key, _ in selector.select(_TICK):
                    self._collect(key.data, selector)
                self._give(start)
                tick()

    def states(self) -> dict[str, StepState]:
        """Return where the steps stand, by id, by what the launcher knows and what they say themselves."""
        return {name: self._state(name) for name in self.plan.steps}

    def _state(self, name: str) -> StepState:
        step, state = self.plan.steps[name], self.where[name]
        folder = self.store.folder(step.stage, name)
        if state == "running":
            return running(folder)
        if state == "failed":
            return StepState(state=state, failure=read_failure(folder) or Failure("killed", self.errors[name]))
        if state == "finished" and name not in self._records:
            self._records[name] = self.store.record(step.stage, name)
        return StepState(state=state, record=self._records.get(name))

    def _ready(self) -> Iterator[str]:
        """Yield the steps whose inputs are finished, in the order of the plan; notes those that never will be."""
        for name in (name for name, state in self.where.items() if state == "open"):
            inputs = {self.where[each] for each in self.plan.steps[name].inputs.values()}
            if inputs & {"failed", "blocked"}:
                self.where[name] = "blocked"
            elif inputs <= {"finished"}:
                yield name

    def _fill(self) -> None:
        """Let the next step wait for a worker: all of it or, if workers outnumber steps, shares of its parts."""
        ready = list(self._ready())
        if self._waiting or not ready:
            return
        step = self.plan.steps[ready[0]]
        self.where[step.id] = "running"
        if STAGES[step.stage].way == "parts" and len(ready) < self._count:
            (self.store.folder(step.stage, step.id) / FAILED).unlink(missing_ok=True)
            self._shares[step.id] = self._count
            self._waiting.extend(self._assign(step.id, element, self._count) for element in range(self._count))
        else:
            self._waiting.append(self._assign(step.id))

    def _assign(self, name: str, element: int = 0, width: int = 0) -> Assignment:
        return Assignment.of(self.plan, name, self.cluster, self.tracking, element, width)

    def _give(self, start: Callable[[], _Worker]) -> None:
        """Give what waits to idle workers, and to new ones as long as there are cores for all ranks."""
        while True:
            self._fill()
            busy = sum(worker.given.ranks for worker in self._workers if worker.given)
            if not self._waiting or (busy and busy + self._waiting[0].ranks > self._count):
                return
            idle = next((worker for worker in self._workers if not worker.given), None) or start()
            try:
                idle.give(self._waiting[0])
            except BrokenPipeError:
                return  # the process died while it was idle: its end is collected next, and another runs the step
            self._waiting.popleft()

    def _collect(self, worker: _Worker, selector: selectors.BaseSelector) -> None:
        answer, given = worker.answer(), worker.given
        if given and given.width:  # a part that failed is run again by whoever joins them, who says why
            self._shares[given.step.id] -= 1
            if not self._shares[given.step.id]:
                self._waiting.append(self._assign(given.step.id))
        elif given:
            error = self._died(worker, given) if answer is None else answer
            self.where[given.step.id] = "failed" if error else "finished"
            self.errors[given.step.id] = error
        worker.given = None
        if answer is None:
            selector.unregister(worker.process.stdout)  # pyright: ignore[reportArgumentType]
            worker.stop()
            self._workers.remove(worker)

    def _died(self, worker: _Worker, given: Assignment) -> str:
        """Return why the step failed that a dead process had in hand, and write it down; empty if it is finished.

        A step that another sweep has taken up meanwhile is left to that.
        """
        step = given.step
        folder = self.store.folder(step.stage, step.id)
        failure = from_process(worker.process.wait())
        if (folder / DONE).exists():
            return ""
        if not is_held(folder):
            written = dict(read_worker_log(worker.log)).get(step.path)
            write_failure(folder, failure, "\n".join(written.lines[-_LAST_LINES:]) if written else "")
        return failure.message

    def _stop(self) -> None:
        """End the workers; a step that runs may save what it has. A second interrupt does not wait for it."""
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
            self.where = {name: "open" if state == "running" else state for name, state in self.where.items()}
