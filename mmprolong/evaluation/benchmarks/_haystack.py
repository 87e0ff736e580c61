"""Pages of a folder of PDFs, drawn until they fill a number of tokens of one model."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmprolong.conversations import Conversation, Image, Message
from mmprolong.errors import DataError
from mmprolong.images.image_files import SCHEME, FileImages
from mmprolong.images.pdf_files import Unreadable
from mmprolong.images.renderer import find_renderer
from mmprolong.models.backbone import Backbone, encode
from mmprolong.records import Reject
from mmprolong.settings.knobs import View

_FOR_TEXT = 256
"""Tokens that are left for the question."""


class Page(NamedTuple):
    """One page."""

    document: str
    """Path below the data root."""
    number: int
    """From 0."""

    @property
    def image(self) -> Image:
        """The page as an image by reference."""
        return Image(SCHEME + self.document, self.number)


class Haystack:
    """The pages of all PDFs below a folder.

    Args:
        root: the data root.
        folder: of the PDFs, below it.
        backbone: counts the tokens.

    Raises:
        DataError: there is no PDF that can be read.
    """

    def __init__(self, root: Path, folder: str, backbone: Backbone, view: View) -> None:
        self._root, self._backbone, self._view = root, backbone, view
        self._renderer = find_renderer(view.renderer)
        self._images = FileImages(root, self._renderer, view.dpi)
        self._documents: dict[str, int] = {}
        """Pages of each."""
        self.rejects: list[Reject] = []
        """PDFs that cannot be read."""
        self.unread: list[Reject] = []
        """Pages, each once, whose text could not be read; they are shown, and never asked about."""
        for path in sorted((root / folder).rglob("*.pdf")):
            name = path.relative_to(root).as_posix()
            try:
                self._documents[name] = self._images.pages(SCHEME + name)
            except DataError as error:
                self.rejects.append(Reject(what=name, reason="document cannot be read", detail=str(error)))
        if not self._documents:
            raise DataError(f"{root / folder}: no PDF that can be read; put PDFs there")
        self._tokens: dict[tuple[int, int], int] = {}
        self.lines = cache(self._lines)
        """Printed lines of a page; none where it has no text that can be read."""

    def draw(self, rng: np.random.Generator, tokens: int) -> list[Page]:
        """Return the pages of whole documents in random order, as many as fit; documents come again if they must.

        Raises:
            DataError: not even one page fits.
        """
        empty = self.count((Message("user", ()),))
        left, pages = tokens - _FOR_TEXT - empty, []
        for page in self._endless(rng):
            size = self._images.size(page.image)
            if size not in self._tokens:
                self._tokens[size] = self.count((Message("user", (page.image,)),)) - empty
            left -= self._tokens[size]
            if left < 0:
                break
            pages.append(page)
        if not pages:
            raise DataError(f"{tokens} tokens: no page fits; give a longer length or a smaller view")
        return pages

    def count(self, prompt: Conversation) -> int:
        """Return the exact tokens of a prompt."""
        return len(encode(self._backbone, prompt, self._images, self._view, answer=True))

    def _endless(self, rng: np.random.Generator) -> Iterator[Page]:
        names = list(self._documents)
        while True:
            for place in rng.permutation(len(names)).tolist():
                yield from (Page(names[place], number) for number in range(self._documents[names[place]]))

    def _lines(self, page: Page) -> list[str]:
        try:
            with self._renderer.open(self._root / page.document) as opened:
                return [line.text for line in opened.lines(page.number)]
        except Unreadable as error:
            what = f"{page.document}, page {page.number + 1}"
            self.unread.append(Reject(what=what, reason="text cannot be read", detail=str(error)))
            return []
