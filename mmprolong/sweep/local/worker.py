"""A process that runs steps one after another, so that the heavy imports are paid once.

Reads assignments from standard input, one a line; answers each with a line `{"error": "..."}`, empty on success. All
other output goes to the log of the step at hand. SIGTERM ends the process once that step has saved its progress; Ctrl-C
is for the launcher, which then sends SIGTERM.
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
from mmprolong.sweep.log_files import local_log


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
