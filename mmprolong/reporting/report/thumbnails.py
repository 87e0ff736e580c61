"""Pages as small pictures inside an HTML file."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmprolong.records import Image
from mmprolong.settings.knobs import Corpus

if TYPE_CHECKING:
    from numpy import ndarray

LARGEST = 320
"""Longest side of an embedded page [px]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One page, ready to be shown."""

    page: int
    """From 1."""
    uri: str
    """`data:` URI."""
    evidence: bool
    """Whether an answer rests on it."""
    pixelated: bool
    """Whether it is to be enlarged without smoothing: it is as small as the model sees it."""


def thumbnails(folder: Path, settings: Corpus, pages: Sequence[tuple[int, Image, bool]]) -> tuple[Thumbnail, ...]:
    """Draw pages of a finished corpus.

    Args:
        pages: index from 0 within the conversation, image, and whether an answer rests on it.

    Raises:
        DataError: the corpus or its pool is gone.
    """
    from mmprolong.images.pages import PageImages

    images = PageImages(folder, settings)
    try:
        return tuple(_thumbnail(page, images(image), evidence) for page, image, evidence in pages)
    finally:
        images.close()


def _thumbnail(page: int, pixels: "ndarray", evidence: bool) -> Thumbnail:
    small = max(pixels.shape[:2]) <= LARGEST / 2
    return Thumbnail(page=page + 1, uri=_uri(pixels), evidence=evidence, pixelated=small)


def _uri(pixels: "ndarray") -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(pixels)
    picture.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    kind = "PNG" if picture.mode == "L" else "JPEG"
    picture.save(file, format=kind, optimize=True)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
