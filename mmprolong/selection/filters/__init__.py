"""Filters, one file each: they refuse documents, or windows of them, by what their pages are."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from mmprolong.images.documents import Document, PageFacts


class Filter(Protocol):
    """Refuses documents that are not wanted."""

    version: ClassVar[int]

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return why a document is not used, short and countable; empty if it is.

        Args:
            pages: the pages that would be used: of a window, only its own.
        """
        ...


def share(pages: Sequence[PageFacts], *kinds: str) -> float:
    """Return the share of pages that show, or are, one of `kinds`."""
    return sum(page.shows in kinds or page.role in kinds for page in pages) / max(len(pages), 1)
