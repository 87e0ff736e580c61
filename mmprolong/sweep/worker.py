"""A process that runs steps one after another, so that the heavy imports are paid once.

Reads step ids from standard input, one a line; answers each with a line `{"error": "..."}`, empty if it is finished.
All other output goes to the log, below a line that names the step.
SIGTERM ends it once the step in hand has saved what it can; Ctrl-C is for the launcher, which then sends SIGTERM.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from mmprolong.errors import MMProLongError
from mmprolong.pipeline.plan import Plan, read_plan
from mmprolong.pipeline.run import run_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.settings.knobs import Tracking
from mmprolong.store.store import Store
from mmprolong.sweep.task import Warnings
from mmprolong.sweep.worker_logs import heading


def main(store: str, plan: str, tracking: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loaded = read_plan(Path(plan))
    mirror = msgspec.json.decode(tracking, type=Tracking)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = Warnings().stopping
    for line in sys.stdin:
        try:
            error = serve(Store(Path(store)), loaded, line.strip(), mirror, stopping)
        except Interrupted:
            raise SystemExit(128 + signal.SIGTERM) from None
        answers.write(json.dumps({"error": error}) + "\n")


def serve(store: Store, plan: Plan, name: str, tracking: Tracking, stopping: Callable[[], bool]) -> str:
    """Run one step; returns its error, empty if it is finished.

    Raises:
        Interrupted: it was asked to stop.
    """
    print(heading(plan.steps[name]), file=sys.stderr, flush=True)  # noqa: T201  (its own log)
    try:
        run_step(store, plan.steps[name], tracking, plan.ablation, stopping)
    except MMProLongError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a bug in one arm must not sink the others; its traceback is in failed.json)
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
