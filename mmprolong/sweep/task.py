"""What a job on Slurm does: one step, saved and queued again when it is warned."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from mmprolong.pipeline.plan import read_plan
from mmprolong.pipeline.run import run_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.knobs import Tracking
from mmprolong.store.store import Store
from mmprolong.sweep.dashboard.job import ShownByJob
from mmprolong.sweep.job_logs import heading

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

_ASKED = (signal.SIGTERM, signal.SIGUSR2)
_PATIENCE = 120.0
"""After SIGTERM the scheduler kills and, if it wants the nodes only, queues the job again itself; time for that [s]."""


class Warnings:
    """Signals that ask a job to stop: SIGUSR2 before its time limit, SIGTERM before it is preempted or cancelled.

    They are also blocked, because Slurm sends them to every process of a job and children inherit the mask: readers of
    PDFs and the mirror go on until the step itself decides.
    """

    def __init__(self) -> None:
        self._seen: set[signal.Signals] = set()
        for each in _ASKED:
            signal.signal(each, self._note)
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._seen.add(signal.Signals(number))

    def seen(self) -> set[signal.Signals]:
        """Those that have arrived."""
        pending = {signal.Signals(number) for number in signal.sigpending()}
        return self._seen | pending & set(_ASKED)

    def stopping(self) -> bool:
        """Whether any has."""
        return bool(self.seen())


@dataclass(frozen=True, slots=True)
class Task:
    """The function that submitit calls in a job."""

    store: str
    plan: str
    """The plan as it was at submission."""
    step: str
    tracking: Tracking

    def __call__(self) -> str:
        """Run the step; returns its id. One that is finished already, by whomever, ends at once.

        Raises:
            SystemExit: the step has saved what it had, and the job is queued again.
        """
        warnings = Warnings()
        store, plan = Store(Path(self.store)), read_plan(Path(self.plan))
        step = plan.steps[self.step]
        _say(heading(step))
        try:
            with ShownByJob(store, plan, warnings.stopping, _say) as shown:
                record = run_step(store, step, self.tracking, plan.ablation, shown.stopping)
        except Interrupted:
            _leave(warnings)
            raise SystemExit(1) from None
        _say(f"finished after {record.seconds} s")
        return record.id

    def checkpoint(self) -> "DelayedSubmission":
        """What submitit submits again if the warning comes before the step has begun: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _leave(warnings: Warnings) -> None:
    """Queue this job again; after SIGTERM only if nobody else has decided what becomes of it."""
    if signal.SIGUSR2 not in warnings.seen():
        _say("stopped by SIGTERM; what was done is saved")
        time.sleep(_PATIENCE)
    _say("saved, and queued again")
    subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], timeout=60, check=True)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (the job's own log)
