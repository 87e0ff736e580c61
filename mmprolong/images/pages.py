"""Pages of a finished corpus as pixels, drawn when they are needed."""

import zlib
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mmprolong.errors import DataError
from mmprolong.images import stamps
from mmprolong.images.pdf_files import pool_folder
from mmprolong.images.renderer import OpenDocument, pixel_size, renderer
from mmprolong.records import Document, Image, read_jsonl
from mmprolong.settings.knobs import Corpus

_OPEN_DOCUMENTS = 8


class PageImages:
    """Draws `Image`s of the documents that a corpus step accepted.

    Args:
        corpus_folder: the finished corpus step.
        settings: of that step; `settings.path` says where the pool is now if it moved.
    """

    def __init__(self, corpus_folder: Path, settings: Corpus) -> None:
        self._settings = settings
        self._renderer = renderer(settings.renderer)
        self._pools = _pools(corpus_folder, settings)
        self._documents: dict[str, Document] = {}
        self._first: dict[str, int] = {}
        pages = 0
        for document in read_jsonl(corpus_folder / "documents.jsonl", Document):
            self._documents[document.id] = document
            self._first[document.id] = pages
            pages += document.pages
        self._thumbnails = _thumbnails(corpus_folder, settings.thumbnail, pages)
        self._open: OrderedDict[str, tuple[ExitStack, OpenDocument]] = OrderedDict()

    def size(self, image: Image) -> tuple[int, int]:
        """Width and height of what `__call__` returns [px], without drawing it.

        Raises:
            DataError: there is no such page.
        """
        document = self._document(image)
        if image.stamp:
            return self._settings.thumbnail, self._settings.thumbnail
        return pixel_size(document.page_sizes[image.page], self._settings.dpi)

    def __call__(self, image: Image) -> np.ndarray:
        """The stamped thumbnail, uint8 (S, S) grey, or the page at the corpus's resolution, uint8 (H, W, 3).

        Raises:
            DataError: there is no such page, or the pool's file is gone or is not the one that was read.
        """
        document = self._document(image)
        if not image.stamp:
            return self._opened(document).render(image.page, self._settings.dpi)
        if self._thumbnails is None:
            raise DataError(f"image {image}: the corpus keeps no thumbnails; set corpus.thumbnail")
        seed = zlib.crc32(f"{image.document}:{image.page}:{image.stamp}".encode())
        return stamps.draw(self._thumbnails[self._first[image.document] + image.page], image.stamp, seed)

    def close(self) -> None:
        """Close the PDFs that are open."""
        while self._open:
            self._open.popitem()[1][0].close()

    def _document(self, image: Image) -> Document:
        document = self._documents.get(image.document)
        if document is None:
            raise DataError(f"image {image}: no such document in the corpus; was it made from another pool?")
        if not 0 <= image.page < document.pages:
            raise DataError(f"image {image}: no such page; the document has {document.pages}")
        return document

    def _opened(self, document: Document) -> OpenDocument:
        if document.id not in self._open:
            while len(self._open) >= _OPEN_DOCUMENTS:
                self._open.popitem(last=False)[1][0].close()
            self._open[document.id] = self._entered(document)
        self._open.move_to_end(document.id)
        return self._open[document.id][1]

    def _entered(self, document: Document) -> tuple[ExitStack, OpenDocument]:
        path = next((pool / document.source for pool in self._pools if (pool / document.source).is_file()), None)
        if path is None:
            places = " or ".join(map(str, self._pools))
            raise DataError(f"{document.source}: not in {places}; set corpus.path to the pool")
        with ExitStack() as stack:
            opened = stack.enter_context(self._renderer.open(path))
            if opened.id != document.id:
                raise DataError(f"{path}: not the content that was read; restore it, or run the corpus step again")
            return stack.pop_all(), opened


def _pools(corpus_folder: Path, settings: Corpus) -> list[Path]:
    read = Path((corpus_folder / "pool.txt").read_text(encoding="utf-8").strip())
    return list(dict.fromkeys([read, pool_folder(settings.path)]))


def _thumbnails(corpus_folder: Path, side: int, pages: int) -> np.ndarray | None:
    if not side:
        return None
    path = corpus_folder / "thumbnails.npy"
    try:
        thumbnails = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}; run the corpus step again") from error
    if thumbnails.shape != (pages, side, side):
        raise DataError(f"{path}: shape {thumbnails.shape}, not {(pages, side, side)}; run the corpus step again")
    return thumbnails
