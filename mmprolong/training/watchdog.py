"""Ends a process that makes no progress, with the stacks of its threads, and names those that it waits for."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_WAITS_SECONDS = 15.0
"""How much longer a process waits that waits for others: the one they wait for is to be named first."""
_LAST_SECONDS = 30.0
"""After which the interpreter ends itself where no Python code runs any more."""


class Watchdog:
    """Watches one process.

    Args:
        seconds: longest time without progress [s].
        report: is told where the process stands, before it ends.
        sign: file that says where the process stands, written again and again while it lives; those of the processes
            that work together lie in one folder, under their names.
    """

    def __init__(self, seconds: float, report: Callable[[str], None], sign: Path) -> None:
        self._seconds = seconds
        self._report = report
        self._sign = sign
        sign.parent.mkdir(parents=True, exist_ok=True)
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
        while not self._ended.wait(min(2.0, self._seconds / 8)):
            with suppress(OSError):  # a disk that is full or does not answer is told by the training itself
                self._sign.write_text(self._at)
            idle = time.monotonic() - self._since
            if idle > self._seconds + (_WAITS_SECONDS if self._waits else 0.0):
                says = f"no progress for {idle:.0f} s in {self._at}"
                with suppress(OSError):
                    says += "".join(self._elsewhere())
                self._report(f"{says}; its stacks are in the log")
                faulthandler.dump_traceback(sys.stderr, all_threads=True)
                os._exit(1)

    def _elsewhere(self) -> Iterator[str]:
        """Yield the processes that this one may wait for: frozen ones, and those at another place."""
        now = self._sign.stat().st_mtime  # the clock of the file system, which dates all signs
        for path in sorted(self._sign.parent.iterdir()):
            place = path.read_text()
            if now - path.stat().st_mtime > self._seconds / 2:
                yield f"; {path.name} gives no sign, last in {place}"
            elif place != self._at:
                yield f"; {path.name} is in {place}"
