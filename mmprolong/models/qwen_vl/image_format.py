"""The image format of a Qwen-VL model: sizes of patches, bounds of the area, normalisation. No torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError, DataError
from mmprolong.models.files import read_json_file
from mmprolong.settings.knobs import View

FRAMES = 2
"""A still image is read as two equal frames."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_LARGEST_RATIO = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFormat:
    """The image format of one model."""

    min_pixels: int
    """Bounds of an image after the resize [px]."""
    max_pixels: int
    patch: int = 14
    """Side of a vision patch [px]."""
    merge: int = 2
    """Patches along each side that are merged into one token."""
    mean: tuple[float, ...] = CLIP_MEAN
    """Mean of red, green and blue, in [0, 1]."""
    std: tuple[float, ...] = CLIP_STD

    def grid(self, width: int, height: int, view: View) -> tuple[int, int]:
        """Return rows and columns of patches that an image of this size [px] takes.

        Each side is rounded to whole tokens; an image out of bounds is scaled to fit them first.

        Raises:
            DataError: the sides differ by more than 200 times, or one is nothing.

        Source: `smart_resize` in https://github.com/huggingface/transformers/blob/
        9feaf6f1d95e9976003f0a7f049e44f92b781c51/src/transformers/models/qwen2_vl/image_processing_pil_qwen2_vl.py
        """
        if min(width, height) < 1 or max(width, height) > _LARGEST_RATIO * min(width, height):
            raise DataError(f"{width} x {height} px; one side may be at most {_LARGEST_RATIO} times the other")
        smallest, largest = view.min_pixels or self.min_pixels, view.max_pixels or self.max_pixels
        side = self.patch * self.merge
        rows, columns = round(height / side), round(width / side)
        area = rows * columns * side**2
        if area > largest:
            scale = math.sqrt(height * width / largest)
            rows, columns = (self._tokens(length / scale, math.floor) for length in (height, width))
        elif area < smallest:
            scale = math.sqrt(smallest / (height * width))
            rows, columns = (self._tokens(length * scale, math.ceil) for length in (height, width))
        return rows * self.merge, columns * self.merge

    def _tokens(self, length: float, rounded: Callable[[float], int]) -> int:
        return max(1, rounded(length / (self.patch * self.merge)))


@cache
def image_format_in(file: Path) -> ImageFormat:
    """Return the format that a `preprocessor_config.json` states.

    Raises:
        ConfigError: it states none.
    """
    stated = read_json_file(file)
    size: dict[str, Any] = stated.get("size") or {}
    try:
        found = ImageFormat(
            min_pixels=int(stated["min_pixels"] if "min_pixels" in stated else size["shortest_edge"]),
            max_pixels=int(stated["max_pixels"] if "max_pixels" in stated else size["longest_edge"]),
            patch=int(stated["patch_size"]),
            merge=int(stated["merge_size"]),
            mean=tuple(stated["image_mean"]),
            std=tuple(stated["image_std"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file}: {error} missing or wrong; expected the file that came with a Qwen-VL") from error
    if int(stated.get("temporal_patch_size", FRAMES)) != FRAMES:
        raise ConfigError(f"{file}: temporal_patch_size is {stated['temporal_patch_size']}; allowed: {FRAMES}")
    return found
