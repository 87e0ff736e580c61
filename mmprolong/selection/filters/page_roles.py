"""Documents that are mostly lists: references, tables of contents, indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.images.documents import Document, PageFacts
from mmprolong.selection.filters import share


@dataclass(frozen=True)
class PageRoles:
    """Refuses documents with too many pages of references and contents."""

    version: ClassVar[int] = 1
    most: float = 0.3
    """Share of such pages."""

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return the reason if more are lists."""
        return "references and contents" if share(pages, "references", "contents") > self.most else ""
