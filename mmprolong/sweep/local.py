"""Steps on this machine: each is a process of this module, and no more run at once than there are cores.

All that a process writes goes to the log of its step. SIGTERM ends it once that step has saved its progress; Ctrl-C is
for the launcher, which sends it.
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan
from mmprolong.pipeline.steps import Step
from mmprolong.runtime.failures import Failure, from_process, read_failure, write_failure
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.settings.stages import STAGES
from mmprolong.store.lease import is_held
from mmprolong.store.store import FAILED, Store
from mmprolong.sweep.assignment import Assignment, local_log, newest_attempt, tail
from mmprolong.sweep.code_copy import code_variables, copy_code
from mmprolong.sweep.resources import THREADS, drop_foreign_variables, workers
from mmprolong.sweep.state import StepState, completed_steps, running

_TICK = 0.1
"""Time between two looks at the processes [s]."""
_GRACE = 30.0
"""Time that processes have to save their progress [s]."""
_LAST_LINES = 30
"""Last lines of its log that are kept of a step whose process died."""


class _Running(NamedTuple):
    given: Assignment
    process: subprocess.Popen[bytes]


class Launcher:
    """Runs the unfinished steps of a plan."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.store = store
        self.plan = plan
        self._states = dict.fromkeys(plan.steps, StepState(state="open"))
        for name in completed_steps(store, plan):
            self._finish(plan.steps[name])
        self._count = workers(plan.cluster)
        self._running: list[_Running] = []
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

        An interrupt ends the processes; finished steps stay, and a second run goes on from there.

        Raises:
            DiskFull: there is no room for the copy of the code that runs.
        """
        drop_foreign_variables()
        variables = {**os.environ, **code_variables(copy_code(self.store)), **THREADS}
        try:
            while not self.over:
                self._begin(variables)
                time.sleep(_TICK)
                for each in [each for each in self._running if each.process.poll() is not None]:
                    self._running.remove(each)
                    self._collect(each)
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
        """Let the next step wait for a core: all of it or, if cores outnumber steps, shares of its parts."""
        ready = list(self._ready())
        if self._waiting or not ready:
            return
        step = self.plan.steps[ready[0]]
        self._states[step.id] = StepState(state="running")
        if STAGES[step.stage].way == "parts" and len(ready) < self._count:
            self._shares[step.id] = width = self._count
            self._waiting.extend(Assignment.of(self.plan, step.id, element, width) for element in range(width))
        else:
            self._waiting.append(Assignment.of(self.plan, step.id))

    def _begin(self, variables: dict[str, str]) -> None:
        """Begin waiting assignments as long as there are cores for all their ranks."""
        while True:
            self._fill()
            busy = sum(each.given.ranks for each in self._running)
            if not self._waiting or (busy and busy + self._waiting[0].ranks > self._count):
                return
            given = self._waiting.popleft()
            (self._folder(given.step.id) / FAILED).unlink(missing_ok=True)  # an earlier attempt no longer counts
            self._running.append(_Running(given, self._start(given, variables)))

    def _start(self, given: Assignment, variables: dict[str, str]) -> subprocess.Popen[bytes]:
        path, encoded = local_log(self.store, given.step), msgspec.json.encode(given).decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            log.write(f"{given.heading}\n".encode())
            log.flush()
            words = (sys.executable, "-m", "mmprolong.sweep.local", str(self.store.root), encoded)
            null, out = subprocess.DEVNULL, subprocess.STDOUT
            return subprocess.Popen(words, env=variables, stdin=null, stdout=log, stderr=out)

    def _collect(self, ended: _Running) -> None:
        """Take the end of a process."""
        step, code = ended.given.step, ended.process.returncode
        if ended.given.width:  # the step that joins the parts runs failed ones again, and reports them
            self._shares[step.id] -= 1
            if not self._shares[step.id]:
                self._waiting.append(Assignment.of(self.plan, step.id))
        elif code and self.store.record(step.stage, step.id) is None:
            self._states[step.id] = StepState(state="failed", failure=self._failure(step, code))
        else:
            self._finish(step)

    def _failure(self, step: Step, code: int) -> Failure:
        """Return the reason why a step failed; what its process could not write down is written here.

        A step that another sweep has taken up meanwhile is left to that.
        """
        folder, failure = self._folder(step.id), from_process(code)
        if not is_held(folder) and read_failure(folder) is None:
            written = newest_attempt(tail(local_log(self.store, step), _LAST_LINES))
            write_failure(folder, failure, "\n".join(written))
        return read_failure(folder) or failure

    def _stop(self) -> None:
        """End the processes; a running step may save its progress. A second interrupt does not wait for it."""
        end = time.monotonic() + _GRACE
        try:
            for each in self._running:
                each.process.terminate()
            for each in self._running:
                each.process.wait(max(end - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            return
        finally:
            for each in self._running:
                each.process.kill()
                each.process.wait()
            ended = [name for name, at in self._states.items() if at.state == "running"]
            self._states |= dict.fromkeys(ended, StepState(state="open"))


def main(root: str, given: str) -> None:
    """Run an assignment; a step that was asked to stop and has saved ends as a process that SIGTERM ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        msgspec.json.decode(given, type=Assignment).run(Store(Path(root)), StopSignals().stopping)
    except Interrupted:
        raise SystemExit(128 + signal.SIGTERM) from None
    except MMProLongError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
