"""Features of images that were seen before, within a bound of memory: pages that prompts share without a prefix."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch

from mmprolong.conversations import Image
from mmprolong.images.sources import Images
from mmprolong.models.backbone import Backbone
from mmprolong.models.network import Network

_ALONE = 256
"""Patches from which an image is encoded by itself, and kept: what shares a pass would change its last digits."""
_Features = tuple[torch.Tensor, ...]


class VisionCache:
    """Least recently used first out.

    Args:
        limit: of what is kept [bytes].
    """

    def __init__(self, network: Network, backbone: Backbone, images: Images, limit: float) -> None:
        self._network, self._backbone, self._images = network, backbone, images
        self._limit = limit
        self._kept: OrderedDict[tuple[Image, bytes], _Features] = OrderedDict()
        self.size = 0
        """Of what is kept [bytes]."""
        self.encoded = 0
        """Images that were run through the vision tower."""

    @torch.inference_mode()
    def features(self, shown: Sequence[Image], grids: np.ndarray) -> _Features:
        """Return the features of images, in order, as `Network.see` does."""
        patches = grids.prod(1)
        small = [place for place, size in enumerate(patches) if size < _ALONE]
        found = dict(zip(small, self._see_together([shown[place] for place in small], grids[small]), strict=True))
        for place in set(range(len(shown))) - found.keys():
            found[place] = self._get(shown[place], grids[place : place + 1])
        return tuple(map(torch.cat, zip(*(found[place] for place in range(len(shown))), strict=True)))

    def _get(self, image: Image, grid: np.ndarray) -> _Features:
        key = image, grid.tobytes()
        if key not in self._kept:
            self._kept[key] = self._see([image], grid)
            self.size += _bytes(self._kept[key])
        self._kept.move_to_end(key)
        found = self._kept[key]
        while self.size > self._limit and self._kept:
            self.size -= _bytes(self._kept.popitem(last=False)[1])
        return found

    def _see_together(self, shown: Sequence[Image], grids: np.ndarray) -> list[_Features]:
        if not shown:
            return []
        together = self._see(shown, grids)
        share = len(together[0]) * grids.prod(1) // grids.prod(1).sum()
        return list(zip(*(level.split(share.tolist()) for level in together), strict=True))

    def _see(self, shown: Sequence[Image], grids: np.ndarray) -> _Features:
        self.encoded += len(shown)
        device = next(self._network.module.parameters()).device
        pixels = self._backbone.patches([self._images.pixels(image) for image in shown], grids)
        return self._network.see(torch.from_numpy(pixels).to(device), torch.from_numpy(grids).to(device))


def _bytes(features: _Features) -> int:
    return sum(level.nbytes for level in features)
