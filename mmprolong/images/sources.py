"""Images by reference: one protocol, whatever they come from."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from mmprolong.conversations import Image, Pages
from mmprolong.errors import DataError, nearest
from mmprolong.images.image_files import FileImages
from mmprolong.images.pages import CorpusPages
from mmprolong.images.renderer import find_renderer
from mmprolong.images.table_images import TableImages
from mmprolong.images.video_frames import VideoFrames
from mmprolong.settings.knobs import Corpus, View


class Images(Protocol):
    """Draws what an `Image` refers to."""

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height [px] of what `pixels` gives, without drawing it.

        Raises:
            DataError: there is no such image, or it cannot be drawn.
        """
        ...

    def pixels(self, image: Image) -> np.ndarray:
        """Return the image, uint8 (H, W, 3), or (H, W) where it is grey.

        Raises:
            DataError: there is no such image, or it cannot be drawn.
        """
        ...


class ImagesByScheme:
    """Hands each image to what draws its scheme: `pdf`, `file`, `table`, `video`."""

    def __init__(self, schemes: Mapping[str, Images]) -> None:
        self._schemes = schemes

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height [px]."""
        return self.by_scheme(image.source).size(image)

    def pixels(self, image: Image) -> np.ndarray:
        """Return the image as uint8."""
        return self.by_scheme(image.source).pixels(image)

    def by_scheme(self, source: str) -> Images:
        """Return what draws a source.

        Raises:
            DataError: nothing does.
        """
        scheme = source.partition(":")[0]
        if scheme not in self._schemes:
            raise DataError(f"image {source!r}: scheme {scheme!r} is unknown; {nearest(scheme, self._schemes)}")
        return self._schemes[scheme]


def sizes(images: Images, pages: Pages) -> Mapping[tuple[int, int], int]:
    """Return the number of pages of a run by their size [px]; those of a PDF of the pool are not made one by one.

    Raises:
        DataError: there is no such page, or it cannot be drawn.
    """
    if isinstance(images, ImagesByScheme):
        images = images.by_scheme(pages.source)
    return images.sizes(pages) if isinstance(images, CorpusPages) else Counter(map(images.size, pages.images()))


def open_images(view: View, corpus: Corpus, inputs: Mapping[str, Path], data_root: Path | None = None) -> Images:
    """Return what draws the images of a step.

    Args:
        inputs: folders of the finished `corpus` step, if pages of the pool are shown, and of the `render` step, if
            they are stamped.
        data_root: folder of the data sets whose files are shown; none: that of the sources.
    """
    if data_root is None and corpus.image_root:
        data_root = Path(corpus.image_root).expanduser()
    schemes: dict[str, Images] = {}
    if "corpus" in inputs:
        schemes["pdf"] = CorpusPages(view, corpus, inputs["corpus"], inputs.get("render"))
    if data_root is not None:
        schemes["file"] = FileImages(data_root, find_renderer(view.renderer), view.dpi)
        schemes |= {"table": TableImages(data_root), "video": VideoFrames(data_root)}
    return ImagesByScheme(schemes)
