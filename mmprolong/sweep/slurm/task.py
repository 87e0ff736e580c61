"""Function of a job on Slurm: run one assignment; when warned, save it and queue the job again."""

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
"""Time for Slurm to kill the job after SIGTERM or, if it is preempted, to queue it again [s]."""
_PORTS = 15_000
"""First port, and number of ports, from which each job takes one by its id."""


@dataclass(frozen=True, slots=True)
class Task:
    """Callable of submitit, on every node of a job."""

    store: str
    given: Assignment

    def __call__(self) -> str:
        """Run the assignment; returns the id of its step.

        Raises:
            SystemExit: the step has saved its progress, and the job is queued again.
        """
        signals, place = StopSignals(), _place(self.given.ranks)
        _say(self.given.heading)
        try:
            self.given.run(Store(Path(self.store)), signals.stopping, place)
        except Interrupted:
            if place.node == 0:
                _queue_again(signals)
                raise SystemExit(1) from None
        _say("done")
        return self.given.step.id

    def checkpoint(self) -> "DelayedSubmission":
        """Return the same task for submitit, which asks if the warning comes before the step has begun."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _place(ranks: int) -> Place:
    """Return the place of this node in the job; its nodes meet on the one that launched the job."""
    job = int(os.environ["SLURM_JOB_ID"])
    return Place(
        processes=ranks,
        nodes=int(os.environ["SLURM_NNODES"]),
        node=int(os.environ["SLURM_PROCID"]),
        endpoint=f"{os.environ['SLURM_LAUNCH_NODE_IPADDR']}:{_PORTS + job % _PORTS}",
        start=f"{job}-{os.environ.get('SLURM_RESTART_COUNT', '0')}",
    )


def _queue_again(signals: StopSignals) -> None:
    """Queue this job again; after SIGTERM only if Slurm neither kills nor requeues it."""
    if signal.SIGUSR2 not in signals.seen():
        _say("stopped by SIGTERM; what was done is saved")
        time.sleep(_PATIENCE)
    _say("saved, and queued again")
    subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], timeout=60, check=True)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (the job's own log)
