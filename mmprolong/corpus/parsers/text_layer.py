"""The text layer of born-digital pages, its lines named by type, place and outline."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mmprolong import plugins
from mmprolong.corpus.layout import blocks_of
from mmprolong.images.documents import Block
from mmprolong.images.renderer import OpenDocument, Renderer


@dataclass(frozen=True)
class TextLayer:
    """Text layer as a PDF library reads it."""

    version: ClassVar[int] = 4
    slowness: ClassVar[int] = 1
    library: str = "pymupdf"
    """A renderer's name."""

    def __post_init__(self) -> None:
        plugins.plugin_class("mmprolong.images.renderers", self.library, "corpus.parser.library")

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz with the library."""
        renderer: Renderer = plugins.make("mmprolong.images.renderers", self.library, "corpus.parser.library")
        return renderer.open(path)

    def blocks(self, document: OpenDocument) -> Sequence[Block]:
        """Return headings, paragraphs, captions, tables, code, headers and footers."""
        with _uncollected():
            lines = [document.lines(page) for page in range(len(document.page_sizes))]
            return blocks_of(document.id, lines, document.page_sizes, document.outline())


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the search for cyclic garbage: of the many small objects of a page only some 20 are such."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
