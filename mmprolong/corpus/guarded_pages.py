"""Pages of a document read one by one: one that is broken, hangs or crashes costs itself and not the others."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from mmprolong.corpus.usable_text import fault_of
from mmprolong.images.documents import Heading
from mmprolong.images.page_notes import FailedPage, PageNotes
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import Line, OpenDocument, Properties

_LARGEST_RATIO = 200
"""Longer side of a page in shorter ones, at most. Source: `smart_resize` of Qwen-VL."""


@dataclass(slots=True)
class GuardedPages:
    """An open document whose bad pages are blank and counted."""

    document: OpenDocument
    notes: PageNotes
    failed: dict[int, FailedPage] = field(default_factory=dict)
    unusable: dict[int, str] = field(default_factory=dict)
    """Pages whose text layer is no text, with the reason."""
    _outline: tuple[Heading, ...] | None = None

    def __post_init__(self) -> None:
        """Leave out the pages that ended a process before, and strips, which no model takes."""
        for page, (width, height) in enumerate(self.page_sizes):
            if max(width, height) > _LARGEST_RATIO * min(width, height):
                detail = f"{width:g} x {height:g} pt; one side may be at most {_LARGEST_RATIO} times the other"
                self.failed[page] = FailedPage(page=page, reason="too narrow", detail=detail)
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
        """Return the document's own table of contents; it is read once."""
        if self._outline is None:
            self._outline = self.document.outline()
        return self._outline

    def picture_share(self, page: int) -> float:
        """Return the share of the page that the largest thing on it takes that is no text; 0 of one that fails."""
        if page in self.failed:
            return 0.0
        self.notes.begin(page)
        try:
            return self.document.picture_share(page)
        except (Unreadable, MemoryError) as error:
            self._fail(page, error)
            return 0.0

    def properties(self) -> Properties:
        """Return what the file says of itself."""
        return self.document.properties()

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
