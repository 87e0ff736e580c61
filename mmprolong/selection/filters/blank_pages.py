"""Documents of blank pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.images.documents import Document, PageFacts
from mmprolong.selection.filters import share


@dataclass(frozen=True)
class BlankPages:
    """Refuses documents with too many pages that show nothing or next to nothing."""

    version: ClassVar[int] = 1
    most: float = 0.2
    """Share of blank pages."""

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return the reason if more are blank."""
        return "blank pages" if share(pages, "blank") > self.most else ""
