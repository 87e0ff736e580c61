"""Notes about pages that may end their process: which was begun last, and which did.

The document is then read, or drawn, again without that page.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mmprolong.store.atomic import write_file

_MOST_DEATHS = 3
"""Pages of one document that may end their process; with one more, the document is refused."""
_TICK = 0.2
"""Time after which the processor time is looked at again: that takes up to 2 ms where system calls are watched [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPage:
    """A page that cannot be read, and why."""

    page: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class UndrawnImage:
    """An image that cannot be drawn, and why."""

    source: str
    index: int
    reason: str
    detail: str = ""
    """Begins with file and page."""


class PageNotes:
    """Notes about the reading of a document, which outlive the process that reads it.

    Args:
        part: path of the result without its ending.
    """

    def __init__(self, part: str) -> None:
        self._begun = Path(part + ".begun")
        self._dead = Path(part + ".dead")
        self._looked = self._spent = 0.0

    def begin(self, page: int) -> None:
        """Note that a page is begun, and the processor time until then."""
        now = time.monotonic()
        if now - self._looked > _TICK:
            self._looked, self._spent = now, time.process_time()
        file = os.open(self._begun, os.O_WRONLY | os.O_CREAT)
        os.pwrite(file, f"{page:12d} {self._spent:12.3f}".encode(), 0)
        os.close(file)

    def dead(self) -> list[FailedPage]:
        """Return the pages that ended their process."""
        return msgspec.json.decode(self._dead.read_bytes(), type=list[FailedPage]) if self._dead.exists() else []

    def bury(self, reason: str, detail: str, seconds: int) -> bool:
        """Note which page a process died of; tells whether the rest of the document is to be read.

        It is not if no page was begun, if the document is slow rather than the page, or if too many have died.

        Args:
            seconds: processor time that the document has [s].
        """
        dead = self.dead()
        if not self._begun.exists() or len(dead) >= _MOST_DEATHS:
            return False
        page, before = self._begun.read_text().split()
        if reason == "timed out" and seconds - float(before) < seconds / 2:
            return False
        write_file(self._dead, msgspec.json.encode([*dead, FailedPage(page=int(page), reason=reason, detail=detail)]))
        self._begun.unlink()
        return True

    def remove(self) -> None:
        """Remove the notes of a document that is read."""
        self._begun.unlink(missing_ok=True)
        self._dead.unlink(missing_ok=True)
