"""Documents in other languages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.images.documents import Document, PageFacts


@dataclass(frozen=True)
class Language:
    """Keeps documents in some languages."""

    version: ClassVar[int] = 1
    allowed: tuple[str, ...] = ("en",)
    """ISO 639-1; `und` allows those whose language is unknown."""

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return the language if it is another."""
        return "" if document.language in self.allowed else f"language {document.language}"
