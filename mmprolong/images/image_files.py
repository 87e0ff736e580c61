"""Files under the folder of public data sets as pixels: images, and the pages of PDFs."""

import struct
import warnings
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image as Pillow

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.file_content import Unreadable
from mmprolong.images.renderer import OpenDocument, Renderer, pixel_size

SCHEME = "file:"
_OPEN_DOCUMENTS = 8
PIXEL_LIMIT = 50_000_000
"""Largest image file that is read [px]."""
_PDF_ENDS = (".pdf", ".pdf.gz")
_BROKEN = (OSError, EOFError, SyntaxError, ValueError, struct.error, zlib.error, Pillow.DecompressionBombError)
"""Errors with which Pillow meets damaged files."""


class FileImages:
    """Draws `file:SET/PATH`: an image file whole, or a page of a PDF.

    Args:
        root: folder in which the data sets lie.
        renderer: draws the PDFs.
        dpi: of their pages.
    """

    def __init__(self, root: Path, renderer: Renderer, dpi: int = 72) -> None:
        self._root = root
        self._renderer = renderer
        self._dpi = dpi
        self._open: OrderedDict[Path, tuple[ExitStack, OpenDocument]] = OrderedDict()

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height of what `pixels` gives [px], without drawing it.

        Raises:
            DataError: there is no such file or page, it cannot be read, or is too large.
        """
        path = self._path(image)
        if _is_pdf(path):
            return pixel_size(self._page(path, image).page_sizes[image.index], self._dpi)
        with open_picture(path, str(path)) as picture:
            return picture.size

    def pixels(self, image: Image) -> np.ndarray:
        """Return the image, or the page at `dpi`, as uint8 (H, W, 3).

        Raises:
            DataError: as `size`.
        """
        path = self._path(image)
        if _is_pdf(path):
            return self._page(path, image).render(image.index, self._dpi)
        with open_picture(path, str(path)) as picture:
            return np.array(picture.convert("RGB"))

    def pages(self, source: str) -> int:
        """Return the number of pages of a PDF.

        Raises:
            DataError: there is no such file, or it cannot be read.
        """
        return len(self._document(self._path(Image(source))).page_sizes)

    def close(self) -> None:
        """Close the PDFs that are open."""
        while self._open:
            self._open.popitem()[1][0].close()

    def _path(self, image: Image) -> Path:
        path = below(self._root, image, image.source.removeprefix(SCHEME))
        if not path.is_file():
            raise DataError(f"{path}: not there; put the data set's files below {self._root}")
        return path

    def _page(self, path: Path, image: Image) -> OpenDocument:
        document = self._document(path)
        if not 0 <= image.index < len(document.page_sizes):
            raise DataError(f"{path}: no page {image.index + 1}; the document has {len(document.page_sizes)}")
        return document

    def _document(self, path: Path) -> OpenDocument:
        if path not in self._open:
            while len(self._open) >= _OPEN_DOCUMENTS:
                self._open.popitem(last=False)[1][0].close()
            with ExitStack() as stack, _naming(path):
                document = stack.enter_context(self._renderer.open(path))
                self._open[path] = stack.pop_all(), document
        self._open.move_to_end(path)
        return self._open[path][1]


def below(root: Path, image: Image, name: str) -> Path:
    """Return the place of a file that an image is read from.

    Raises:
        DataError: it is not below `root`, or a part of the image is asked for.
    """
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise DataError(f"image {image.source!r}: leads out of the data root; name a file below it")
    if image.stamp or image.crop:
        raise DataError(f"image {image.source!r}: has a stamp or a crop; files are shown whole")
    return root / relative


def _is_pdf(path: Path) -> bool:
    return path.name.lower().endswith(_PDF_ENDS)


@contextmanager
def open_picture(source: Path | BinaryIO, name: str) -> Iterator[Pillow.Image]:
    """Open an image file, or its bytes; its pixels are read when they are asked for.

    Args:
        name: begins the error messages.

    Raises:
        Unreadable: it is broken, or is no image.
        DataError: it has more than PIXEL_LIMIT pixels, which holds before any is read; or the disk fails.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # our own limit is lower
            picture = Pillow.open(source)
        with picture:
            if picture.width * picture.height > PIXEL_LIMIT:
                found = f"{picture.width}x{picture.height} px"
                raise DataError(f"{name}: {found}, more than {PIXEL_LIMIT} px; make it smaller")
            yield picture
    except _BROKEN as error:
        if getattr(error, "errno", None):
            raise DataError(f"{name}: {type(error).__name__}: {error}") from error
        raise Unreadable("broken", f"{name}: {type(error).__name__}: {error}; is it a whole image file?") from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
