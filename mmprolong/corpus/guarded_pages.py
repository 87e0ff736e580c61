"""Pages of a document read one by one: one that is broken, hangs or crashes costs itself and not the others.

A page that ends its process is found by a note of the page that was begun last; the document is read again without it.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from mmprolong.corpus.usable_text import fault_of
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import Line, OpenDocument
from mmprolong.records import Heading
from mmprolong.store.atomic import write_file

_MOST_DEATHS = 3
"""Pages of one document that may end their process; with one more, the document is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPage:
    """A page that cannot be read, and why."""

    page: int
    reason: str
    detail: str = ""


class PageNotes:
    """Notes about the reading of a document, which outlive the process that reads it.

    Args:
        part: path of the result without its ending.
    """

    def __init__(self, part: str) -> None:
        self._begun = Path(part + ".begun")
        self._dead = Path(part + ".dead")

    def begin(self, page: int) -> None:
        """Note that a page is begun, and the processor time until then."""
        file = os.open(self._begun, os.O_WRONLY | os.O_CREAT)
        os.pwrite(file, f"{page:12d} {time.process_time():12.3f}".encode(), 0)
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


@dataclass(slots=True)
class GuardedPages:
    """An open document whose bad pages are blank and counted."""

    document: OpenDocument
    notes: PageNotes
    failed: dict[int, FailedPage] = field(default_factory=dict)
    unusable: dict[int, str] = field(default_factory=dict)
    """Pages whose text layer is no text, with the reason."""

    def __post_init__(self) -> None:
        """Leave out the pages that ended a process before."""
        self.failed |= {one.page: one for one in self.notes.dead()}

    @property
    def id(self) -> str:
        """SHA-256 of the content."""
        return self.document.id

    @property
    def page_sizes(self) -> tuple[tuple[float, float], ...]:
        """Width and height of each page [pt]."""
        return self.document.page_sizes

    def lines(self, page: int) -> list[Line]:
        """Return the lines of a page; none of one that fails, or whose text is none."""
        if page in self.failed:
            return []
        self.notes.begin(page)
        try:
            lines = self.document.lines(page)
        except (Unreadable, MemoryError) as error:
            self._fail(page, error)
            return []
        fault = fault_of(lines)
        if not fault:
            return lines
        self.unusable[page] = fault
        return []

    def render(self, page: int, dpi: int) -> np.ndarray:
        """Return the page as pixels.

        Raises:
            Unreadable: it fails now, or did before.
        """
        self._begin_drawing(page)
        try:
            return self.document.render(page, dpi)
        except (Unreadable, MemoryError) as error:
            raise self._fail(page, error) from error

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        """Return the page as a small grey square.

        Raises:
            Unreadable: as `render`.
        """
        self._begin_drawing(page)
        try:
            return self.document.thumbnail(page, side)
        except (Unreadable, MemoryError) as error:
            raise self._fail(page, error) from error

    def outline(self) -> tuple[Heading, ...]:
        """Return the document's own table of contents."""
        return self.document.outline()

    def refuse_if_all_fail(self) -> None:
        """Refuse a document of which no page can be read.

        Raises:
            Unreadable: with the commonest reason.
        """
        if len(self.failed) == len(self.page_sizes):
            reason, _ = Counter(one.reason for one in self.failed.values()).most_common(1)[0]
            raise Unreadable(reason, f"all of {len(self.failed)} pages; page 1: {self.failed[0].detail}")

    def _begin_drawing(self, page: int) -> None:
        if page in self.failed:
            raise Unreadable(self.failed[page].reason, self.failed[page].detail)
        self.notes.begin(page)

    def _fail(self, page: int, error: Exception) -> Unreadable:
        known = error if isinstance(error, Unreadable) else Unreadable("out of memory", str(error))
        self.failed[page] = FailedPage(page=page, reason=known.reason, detail=known.detail)
        return known
