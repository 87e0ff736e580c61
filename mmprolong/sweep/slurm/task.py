"""What a job on Slurm does: one assignment, saved and queued again when it is warned."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.pipeline.ranks import Place
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.store.store import Store
from mmprolong.sweep.assignment import Assignment

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

_PATIENCE = 120.0
"""After SIGTERM the scheduler kills and, if it wants the nodes only, queues the job again itself; time for that [s]."""
_PORTS = 15_000
"""The first of as many ports, one for each job that may run on a node at once."""


@dataclass(frozen=True, slots=True)
class Task:
    """The function that submitit calls in a job, on every node of it."""

    store: str
    given: Assignment

    def __call__(self) -> str:
        """Do it; returns the step's id. A step that is finished already, by whomever, ends at once.

        Raises:
            SystemExit: the step has saved what it had, and the job is queued again.
        """
        signals, place = StopSignals(), _place(self.given.ranks)
        _say(self.given.heading)
        try:
            self.given.carry_out(Store(Path(self.store)), signals.stopping, place)
        except Interrupted:
            if place.node == 0:
                _queue_again(signals)
                raise SystemExit(1) from None
        _say("done")
        return self.given.step.id

    def checkpoint(self) -> "DelayedSubmission":
        """Return what submitit submits again if the warning comes before the step has begun: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _place(ranks: int) -> Place:
    """Return this node's place among those of the job, which meet on the one that the job was started from."""
    job = int(os.environ["SLURM_JOB_ID"])
    return Place(
        processes=ranks,
        nodes=int(os.environ["SLURM_NNODES"]),
        node=int(os.environ["SLURM_PROCID"]),
        endpoint=f"{os.environ['SLURM_LAUNCH_NODE_IPADDR']}:{_PORTS + job % _PORTS}",
        start=f"{job}-{os.environ.get('SLURM_RESTART_COUNT', '0')}",
    )


def _queue_again(signals: StopSignals) -> None:
    """Queue this job again; after SIGTERM only if nobody else has decided what becomes of it."""
    if signal.SIGUSR2 not in signals.seen():
        _say("stopped by SIGTERM; what was done is saved")
        time.sleep(_PATIENCE)
    _say("saved, and queued again")
    subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], timeout=60, check=True)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (the job's own log)
