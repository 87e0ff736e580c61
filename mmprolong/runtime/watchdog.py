"""Ends a process that makes no progress, with the stacks of its threads."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

_WAITS_SECONDS = 15.0
"""How much longer a process waits that waits for others: the one they wait for is to be named first."""
_LAST_SECONDS = 30.0
"""After which the interpreter ends itself where no Python code runs any more."""


class Watchdog:
    """Watches one process.

    Args:
        seconds: longest time without progress [s].
        report: is told where the process stands, before it ends.
    """

    def __init__(self, seconds: float, report: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._report = report
        self._at, self._waits, self._since = "start", False, time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def at(self, place: str, waits: bool = False) -> None:
        """Note progress.

        Args:
            place: what the process does next.
            waits: other processes can keep it waiting there.
        """
        self._at, self._waits, self._since = place, waits, time.monotonic()
        faulthandler.dump_traceback_later(self._seconds + _WAITS_SECONDS + _LAST_SECONDS, exit=True)

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, self._seconds / 4)):
            idle = time.monotonic() - self._since
            if idle > self._seconds + (_WAITS_SECONDS if self._waits else 0.0):
                self._report(f"no progress for {idle:.0f} s in {self._at}; its stacks are in the log")
                faulthandler.dump_traceback(sys.stderr, all_threads=True)
                os._exit(1)
