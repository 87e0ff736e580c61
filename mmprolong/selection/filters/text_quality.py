"""Documents whose text layer is not what the pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmprolong.images.documents import Document, PageFacts

_NO_LANGUAGE = "zxx"


@dataclass(frozen=True)
class TextQuality:
    """Refuses documents whose text is no language, or of which few characters are letters and digits."""

    version: ClassVar[int] = 1
    least: float = 0.6
    """Share of letters and digits of a good page."""
    pages: float = 0.5
    """Share of the pages with text that must be good."""
    agreement: float = 0.7
    """Least agreement with OCR of the pages that were compared (the parser `ocr`, its option `compared`)."""

    def refuse(self, document: Document, pages: Sequence[PageFacts]) -> str:
        """Return what is wrong with the text; a document without any is none of this filter's."""
        with_text = [page for page in pages if page.shows == "text"]
        good = sum(page.letters >= self.least for page in with_text)
        if with_text and document.language == _NO_LANGUAGE:
            return "text is no language"
        if any(page.agreement < self.agreement for page in with_text):
            return "text differs from what OCR reads"
        return "text of few letters" if good < self.pages * len(with_text) else ""
