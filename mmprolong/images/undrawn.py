"""Pages that cannot be drawn: white and noted, so that one of a million does not end what shows the others."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.file_content import Unreadable
from mmprolong.images.page_notes import UndrawnImage
from mmprolong.images.sources import Images
from mmprolong.store.atomic import write_file

WHITE = 255
_FREE, _MOST = 200, 0.01
"""White images of a process, and their share of all that it showed, up to which they are single bad pages."""


class WhiteIfUndrawn:
    """Draws images; one that cannot be drawn, whoever tries, is white and as large as it was measured.

    Args:
        folder: where each is noted in a file of its own, for all processes of the step.
    """

    def __init__(self, images: Images, folder: Path) -> None:
        self._images = images
        self._folder = folder
        self._shown = 0
        self._white: set[Image] = set()

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height [px]."""
        return self._images.size(image)

    def pixels(self, image: Image) -> np.ndarray:
        """Return the image, uint8 (H, W, 3), or (H, W) where it is grey.

        Raises:
            DataError: there is no such image; memory was short, which may differ the next time; or so many cannot be
                drawn that the pool is to be looked at.
        """
        self._shown += 1
        try:
            return self._images.pixels(image)
        except Unreadable as error:
            self._note(image, error)
            width, height = self._images.size(image)
            return np.full((height, width, 3), WHITE, np.uint8)
        except MemoryError as error:
            page = f"image {image.source} page {image.index + 1}: out of memory ({error})"
            raise DataError(f"{page}; `mmprolong prerender` draws it within a limit, and marks it") from error

    def _note(self, image: Image, error: Unreadable) -> None:
        self._white.add(image)
        if len(self._white) > max(_FREE, _MOST * self._shown):
            found = f"{len(self._white)} of {self._shown} images cannot be drawn, the last: {error}"
            raise DataError(f"training: {found}; try another view.renderer, or leave such documents out of the pool")
        known = UndrawnImage(source=image.source, index=image.index, reason=error.reason, detail=error.detail)
        name = hashlib.sha256(f"{image.source} {image.index}".encode()).hexdigest()[:32]
        self._folder.mkdir(parents=True, exist_ok=True)
        write_file(self._folder / f"{name}.json", msgspec.json.encode(known))


def undrawn_in(folder: Path) -> list[UndrawnImage]:
    """Return what `WhiteIfUndrawn` noted, in any process, in order."""
    return sorted(msgspec.json.decode(file.read_bytes(), type=UndrawnImage) for file in folder.glob("*.json"))
