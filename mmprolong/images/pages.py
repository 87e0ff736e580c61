"""Pages of the PDFs of a finished corpus as pixels, drawn when they are needed."""

import zlib
from collections import Counter, OrderedDict
from contextlib import ExitStack
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec
import numpy as np

from mmprolong.conversations import Image, Pages
from mmprolong.errors import DataError
from mmprolong.images import stamps
from mmprolong.images.kept_pages import open_kept
from mmprolong.images.pdf_files import Unreadable, has_content, is_there, pool_folder
from mmprolong.images.renderer import OpenDocument, find_renderer, pixel_size
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.lines_by_key import LinesByKey

_OPEN_DOCUMENTS = 8
_KNOWN_DOCUMENTS = 1024
"""Records of documents that are in memory."""
THUMBNAILS = "thumbnails.npy"


class PagedDocument(msgspec.Struct, frozen=True, gc=False):
    """Of a document, what its pages are found by."""

    id: str
    source: str
    page_sizes: tuple[tuple[float, float], ...] = ()

    @property
    def pages(self) -> int:
        """Number of pages."""
        return len(self.page_sizes)


class CorpusPages:
    """Draws pages of the documents that a corpus step accepted.

    Args:
        corpus: its `path` says where the pool is now if it moved.
        folder: the finished corpus step.
        rendered: the finished render step, which holds the thumbnails of stamped pages.
    """

    def __init__(self, view: View, corpus: Corpus, folder: Path, rendered: Path | None = None) -> None:
        self._view = view
        self._renderer = find_renderer(view.renderer)
        self._pools = _pools(folder, corpus)
        self._file = folder / "documents.jsonl"
        self._documents = LinesByKey(self._file, PagedDocument)
        self._known = lru_cache(_KNOWN_DOCUMENTS)(self._read)
        self._rendered = rendered
        self._kept = open_kept(folder, view)
        self._open: OrderedDict[str, tuple[ExitStack, OpenDocument]] = OrderedDict()

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height of what `pixels` gives [px], without drawing it."""
        document = self._document(image)
        if image.stamp:
            return self._view.thumbnail, self._view.thumbnail
        left, top, right, bottom = _shown(image, *pixel_size(document.page_sizes[image.index], self._view.dpi))
        return right - left, bottom - top

    def sizes(self, pages: Pages) -> dict[tuple[int, int], int]:
        """Return the number of pages of a run by their size [px]."""
        document = self._document(Image(pages.source, pages.first))
        self._document(Image(pages.source, min(pages.last, document.pages)))  # names the first page that is not there
        if pages.stamps:
            return {(self._view.thumbnail, self._view.thumbnail): pages.last - pages.first + 1}
        found: dict[tuple[int, int], int] = {}
        for size, count in Counter(document.page_sizes[pages.first : pages.last + 1]).items():
            drawn = pixel_size(size, self._view.dpi)
            found[drawn] = found.get(drawn, 0) + count
        return found

    def pixels(self, image: Image) -> np.ndarray:
        """Return the stamped thumbnail, uint8 (S, S) grey, or what is shown of the page, uint8 (H, W, 3).

        Raises:
            Unreadable: the page cannot be drawn.
            DataError: there is no such page, or the file is not the one that was read.
        """
        document = self._document(image)
        if not image.stamp:
            page = self._drawn(document, image.index)
            left, top, right, bottom = _shown(image, page.shape[1], page.shape[0])
            return page[top:bottom, left:right]
        if self._thumbnails is None:
            raise DataError(f"image {image.source} page {image.index + 1}: no thumbnails are kept; set view.thumbnail")
        seed = zlib.crc32(f"{document.id}:{image.index}:{image.stamp}".encode())
        return stamps.draw(self._thumbnails[self._first_pages[document.id] + image.index], image.stamp, seed)

    def close(self) -> None:
        """Close the PDFs that are open."""
        while self._open:
            self._open.popitem()[1][0].close()

    @cached_property
    def _first_pages(self) -> dict[str, int]:
        """Place of the first page of each document among all pages; only stamped pages need it."""
        places, pages = {}, 0
        for document in read_jsonl(self._file, PagedDocument):
            places[document.id] = pages
            pages += document.pages
        return places

    @cached_property
    def _thumbnails(self) -> np.ndarray | None:
        return _thumbnails(self._rendered, self._view.thumbnail)

    def _read(self, source: str) -> PagedDocument | None:
        return next(iter(self._documents.lines(source.removeprefix("pdf:"))), None)

    def _document(self, image: Image) -> PagedDocument:
        document = self._known(image.source)
        if document is None:
            raise DataError(f"image {image.source}: no such document in the corpus; was it made from another pool?")
        if not 0 <= image.index < document.pages:
            raise DataError(f"{document.source}: no page {image.index + 1}; the document has {document.pages}")
        if image.stamp and image.crop:
            raise DataError(f"image {image.source} page {image.index + 1}: has a stamp and a crop; give one of them")
        return document

    def _drawn(self, document: PagedDocument, page: int) -> np.ndarray:
        kept = self._kept.pixels(document.id, page) if self._kept is not None else None
        if kept is not None:
            return kept
        try:
            return self._opened(document).render(page, self._view.dpi)
        except Unreadable as error:
            raise Unreadable(error.reason, f"{document.source} page {page + 1}: {error.detail}") from error
        except MemoryError as error:
            raise MemoryError(f"{document.source} page {page + 1}") from error

    def _opened(self, document: PagedDocument) -> OpenDocument:
        if document.id not in self._open:
            while len(self._open) >= _OPEN_DOCUMENTS:
                self._open.popitem(last=False)[1][0].close()
            self._open[document.id] = self._entered(document)
        self._open.move_to_end(document.id)
        return self._open[document.id][1]

    def _entered(self, document: PagedDocument) -> tuple[ExitStack, OpenDocument]:
        path = next((pool / document.source for pool in self._pools if is_there(pool / document.source)), None)
        if path is None:
            places = " or ".join(map(str, self._pools))
            raise DataError(f"{document.source}: not in {places}; set corpus.path to the pool")
        try:
            with ExitStack() as stack:
                opened = stack.enter_context(self._renderer.open(path))
                if opened.id == document.id:
                    return stack.pop_all(), opened
        except Unreadable:
            if has_content(path, document.id):
                raise
        raise DataError(f"{path}: not the content that was read; restore it, or run the corpus step again")


def _shown(image: Image, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what is shown of a page of this size [px]."""
    if image.crop is None:
        return 0, 0, width, height
    x0, y0, x1, y1 = image.crop
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise DataError(f"image {image.source} page {image.index + 1}: crop {image.crop}; give shares of the page")
    left, top = min(int(x0 * width), width - 1), min(int(y0 * height), height - 1)
    return left, top, max(round(x1 * width), left + 1), max(round(y1 * height), top + 1)


def _pools(folder: Path, corpus: Corpus) -> list[Path]:
    read = Path((folder / "pool.txt").read_text(encoding="utf-8").strip())
    return list(dict.fromkeys([read, pool_folder(corpus.path)]))


def _thumbnails(rendered: Path | None, side: int) -> np.ndarray | None:
    if rendered is None:
        return None
    path = rendered / THUMBNAILS
    try:
        thumbnails = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}; run the render step again") from error
    if thumbnails.shape[1:] != (side, side):
        raise DataError(f"{path}: sides {thumbnails.shape[1:]}, not {(side, side)}; run the render step again")
    return thumbnails
