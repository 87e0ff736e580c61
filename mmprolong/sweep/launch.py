"""Run a plan on this machine: worker processes within the cores, each step once, a failed arm alone fails."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from mmprolong.pipeline.plan import Plan
from mmprolong.runtime.failures import from_process, write_failure
from mmprolong.settings.knobs import Cluster, Tracking
from mmprolong.store.lease import is_held
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.freeze import Frozen, environment, freeze_launch
from mmprolong.sweep.oom import kills
from mmprolong.sweep.resources import THREADS, workers
from mmprolong.sweep.todo import settled_steps
from mmprolong.sweep.worker_logs import LOGS, read_log

_TICK = 0.25
"""Time between two looks at the progress [s]."""
_GRACE = 30.0
"""Time that workers have to save what they can [s]."""
_LAST = 30
"""Lines of its log that are kept of a step whose process died."""


@dataclass
class Progress:
    """Where every step of a plan stands."""

    finished: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """Error by step."""
    blocked: set[str] = field(default_factory=set)
    """Steps that need a failed one."""

    def over(self, plan: Plan) -> bool:
        """True if no step is running or can still run."""
        return len(self.finished) + len(self.failed) + len(self.blocked) == len(plan.steps)


class _Worker:
    """One worker process and the step it runs."""

    def __init__(self, command: list[str], log: IO[bytes], environment: dict[str, str]) -> None:
        self.step = ""
        self.log = Path(log.name)
        self.kills = kills()
        """Of the kernel, for want of memory, before the step began."""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True, bufsize=1
        )

    def give(self, step: str) -> None:
        assert self.process.stdin is not None
        self.kills = kills()
        self.process.stdin.write(step + "\n")
        self.process.stdin.flush()
        self.step = step

    def answer(self) -> str | None:
        """The error of the step that ended, empty if it is finished; None if the process died."""
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
        self.tracking = tracking
        self.progress = Progress(finished=settled_steps(store, plan))
        self._count = workers(cluster)
        self._logs = store.root / LOGS
        self._workers: list[_Worker] = []
        self._started = 0

    def run(self, tick: Callable[[Progress], None]) -> Progress:
        """Run until nothing more can run; `tick` is called a few times a second.

        An interrupt ends the workers; what they had finished stays, and a second run goes on from there.

        Raises:
            DiskFull: there is no room for the copy of the code that the workers run.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        frozen = freeze_launch(self.store, self.plan)
        with ExitStack() as stack, selectors.DefaultSelector() as selector:
            stack.callback(self._stop)
            start = partial(self._start, frozen, selector, stack)
            self._give(start)
            while not self.progress.over(self.plan):
                for key, _ in selector.select(_TICK):
                    self._collect(key.data, selector)
                self._give(start)
                tick(self.progress)
        return self.progress

    def _ready(self) -> list[str]:
        """Steps all of whose inputs are finished, in the order of the plan; notes those that never will be."""
        progress = self.progress
        settled = progress.finished | progress.running | progress.failed.keys() | progress.blocked
        ready = []
        for name, step in self.plan.steps.items():
            if name in settled:
                continue
            needs = set(step.inputs.values())
            if needs & (progress.failed.keys() | progress.blocked):
                progress.blocked.add(name)
            elif needs <= progress.finished:
                ready.append(name)
        return ready

    def _give(self, start: Callable[[], _Worker]) -> None:
        for step in self._ready():
            idle = next((worker for worker in self._workers if not worker.step), None)
            if idle is None and len(self._workers) < self._count:
                idle = start()
            if idle is None:
                return
            try:
                idle.give(step)
            except BrokenPipeError:
                return  # the process died while it was idle: its end is collected next, and another runs the step
            self.progress.running.add(step)

    def _start(self, frozen: Frozen, selector: selectors.BaseSelector, stack: ExitStack) -> _Worker:
        plan, tracking = str(frozen.plan), msgspec.json.encode(self.tracking).decode()
        command = [sys.executable, "-m", "mmprolong.sweep.worker", str(self.store.root), plan, tracking]
        log = stack.enter_context((self._logs / f"worker-{os.getpid()}-{self._started}.log").open("ab"))
        self._started += 1
        worker = _Worker(command, log, {**os.environ, **environment(frozen.code), **THREADS})
        selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # pyright: ignore[reportArgumentType]
        self._workers.append(worker)
        return worker

    def _collect(self, worker: _Worker, selector: selectors.BaseSelector) -> None:
        answer = worker.answer()
        if worker.step:
            error = self._died(worker) if answer is None else answer
            self.progress.running.discard(worker.step)
            if error:
                self.progress.failed[worker.step] = error
            else:
                self.progress.finished.add(worker.step)
        worker.step = ""
        if answer is None:
            selector.unregister(worker.process.stdout)  # pyright: ignore[reportArgumentType]
            worker.stop()
            self._workers.remove(worker)

    def _died(self, worker: _Worker) -> str:
        """Why the step failed that a dead process had in hand, also written into its folder; empty if it is finished.

        A step that another sweep has taken up meanwhile is left to that.
        """
        step = self.plan.steps[worker.step]
        folder = self.store.folder(step.stage, step.id)
        failure = from_process(worker.process.wait(), out_of_memory=kills() > worker.kills)
        if (folder / DONE).exists():
            return ""
        if not is_held(folder):
            written = dict(read_log(worker.log)).get(step.path)
            write_failure(folder, failure, "\n".join(written.lines[-_LAST:]) if written else "")
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
