"""Layout parsers, one file each: they open a PDF and find its layout blocks."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Protocol

from mmprolong.images.documents import Block
from mmprolong.images.renderer import OpenDocument


class LayoutParser(Protocol):
    """Finds what a page consists of."""

    version: ClassVar[int]
    slowness: ClassVar[int]
    """Processor time that a document may take, in multiples of `corpus.seconds`."""

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz.

        Raises:
            Unreadable: encrypted, no pages, broken, file too large.
        """
        ...

    def blocks(self, document: OpenDocument) -> Sequence[Block]:
        """Return the layout blocks of all pages, page by page in reading order."""
        ...
