"""Documents that are mostly scans."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.images.documents import Document, PageFacts
from mmprolong.selection.filters import share


@dataclass(frozen=True)
class Scans:
    """Refuses documents with too many pages that have no usable text layer."""

    version: ClassVar[int] = 1
    most: float = 0.5
    """Share of such pages."""

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return the reason if more are scans."""
        return "mostly scans" if share(pages, "image") > self.most else ""
