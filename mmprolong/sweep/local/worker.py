"""A process that runs steps one after another, so that the heavy imports are paid once.

Reads assignments from standard input, one a line; answers each with a line `{"error": "..."}`, empty if it is done.
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
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.signals import StopSignals
from mmprolong.store.store import Store
from mmprolong.sweep.assignment import Assignment


def main(store: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = StopSignals().stopping
    for line in sys.stdin:
        given = msgspec.json.decode(line, type=Assignment)
        try:
            error = _error(Store(Path(store)), given, stopping)
        except Interrupted:
            raise SystemExit(128 + signal.SIGTERM) from None
        answers.write(json.dumps({"error": error}) + "\n")


def _error(store: Store, given: Assignment, stopping: Callable[[], bool]) -> str:
    """Run a step; returns why it failed, empty if it is finished.

    Raises:
        Interrupted: it was asked to stop.
    """
    print(given.heading, file=sys.stderr, flush=True)  # noqa: T201  (its own log)
    try:
        given.carry_out(store, stopping)
    except MMProLongError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (a bug in one arm must not sink the others; its traceback is in failed.json)
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
