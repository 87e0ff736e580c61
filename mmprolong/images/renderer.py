"""Protocols of a PDF library and of an open PDF. Coordinates are in points from the top left, as displayed."""

import importlib
import math
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
import numpy as np

from mmprolong import plugins
from mmprolong.errors import ConfigError
from mmprolong.images.documents import Heading
from mmprolong.plugins import Choice

LARGEST_PAGE = 2**24
"""Area of the largest rendered page [px]: what Qwen3-VL takes, the most of all backbones."""
MONO_SHARE = 0.85
"""Share of a line's characters above which it is monospaced: running text names commands in such a font."""
_THUMBNAIL_OVERSAMPLING = 4


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One printed line of text."""

    text: str
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 [pt]."""
    size: float
    """Font size of most of its characters [pt]."""
    font: str
    """Name of the font of most of its characters, without the subset's prefix."""
    bold: bool
    mono: bool
    group: int
    """Lines that the library sees as one block of the page share it."""


class Properties(NamedTuple):
    """Properties of a file as it states them."""

    producer: str = ""
    encryption: str = ""
    """Method, of a file that opens without a password."""


class OpenDocument(Protocol):
    """A PDF that is open."""

    @property
    def id(self) -> str:
        """SHA-256 of the content, after gunzip."""
        ...

    @property
    def page_sizes(self) -> tuple[tuple[float, float], ...]:
        """Width and height of each page [pt], rotation applied."""
        ...

    def render(self, page: int, dpi: int) -> np.ndarray:
        """Return the page as uint8 (H, W, 3), H and W by `pixel_size`."""
        ...

    def thumbnail(self, page: int, side: int) -> np.ndarray:
        """Return the page as uint8 (side, side), grey, antialiased, stretched to the square."""
        ...

    def lines(self, page: int) -> list[Line]:
        """Return the lines of text that the page shows, in the order in which the file draws them.

        Text of annotations and form fields is among them; text that is not drawn is not. A character that the file
        does not name is U+FFFD.

        Raises:
            Unreadable: the page is broken.
        """
        ...

    def outline(self) -> tuple[Heading, ...]:
        """Return the document's own table of contents; y counts from the top of the page as displayed."""
        ...

    def picture_share(self, page: int) -> float:
        """Return the share of the page that the largest thing on it takes that is no text, without rendering it."""
        ...

    def properties(self) -> Properties:
        """Return the program that wrote the file, and its encryption."""
        ...


class Renderer(Protocol):
    """A PDF library."""

    version: ClassVar[int]

    def open(self, path: Path) -> AbstractContextManager[OpenDocument]:
        """Open a .pdf or .pdf.gz.

        Raises:
            Unreadable: encrypted, no pages, broken, file too large.
            ConfigError: the library is not installed.
        """
        ...


def find_renderer(choice: Choice) -> Renderer:
    """Return the renderer that a choice names.

    Raises:
        InvalidSettings: there is none; names the nearest.
    """
    return plugins.make("mmprolong.images.renderers", choice, "view.renderer")


def load_library(name: str) -> Any:
    """Import a PDF library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ConfigError(f"view.renderer: {package!r} is not installed; pip install {package}") from error


@lru_cache(4096)
def pixel_size(page_size: tuple[float, float], dpi: int) -> tuple[int, int]:
    """Return width and height of a rendered page [px], without rendering it.

    A page of more than `LARGEST_PAGE` pixels is drawn smaller: no model takes more, and would shrink it itself.
    """
    width, height = (side * dpi / 72 for side in page_size)
    scale = min(1.0, math.sqrt(LARGEST_PAGE / max(1.0, width * height)))
    return max(1, min(LARGEST_PAGE, round(width * scale))), max(1, min(LARGEST_PAGE, round(height * scale)))


def shrink(draw_grey: np.ndarray) -> np.ndarray:
    """Return the mean of every square of 4x4 pixels: thin strokes turn grey instead of vanishing."""
    factor = _THUMBNAIL_OVERSAMPLING
    height, width = (side // factor for side in draw_grey.shape)
    cells = draw_grey[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.rint(cells.mean(axis=(1, 3))).astype(np.uint8)


def oversampled(side: int) -> int:
    """Return the side of the square that `shrink` turns into a thumbnail of `side` [px]."""
    return side * _THUMBNAIL_OVERSAMPLING
