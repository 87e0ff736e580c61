"""Tokens of random page sizes and bounds by the odometer and by transformers' own processor: how many differ.

`python benchmarks/odometer.py [SIZES]`: 100,000 sizes by default, spread over the three published models.
"""

import random
import sys
import time

from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.errors import DataError
from mmprolong.images.renderer import pixel_size
from mmprolong.models.odometer import PUBLISHED, image_tokens
from mmprolong.settings.knobs import View


def main(sizes: int = 100_000) -> None:
    drawn, differ, refused, started = random.Random(0), 0, 0, time.process_time()
    processors = {
        name: Qwen2VLImageProcessorPil(
            patch_size=form.patch,
            merge_size=form.merge,
            size={"shortest_edge": form.min_pixels, "longest_edge": form.max_pixels},
        )
        for name, form in PUBLISHED.items()
    }
    for number in range(sizes):
        name = list(PUBLISHED)[number % len(PUBLISHED)]
        page = tuple(2 ** drawn.uniform(0, 14) for _ in range(2))
        view = View(dpi=drawn.choice((36, 72, 96, 144, 150, 200, 300)))
        if drawn.random() < 0.5:
            view.max_pixels = int(2 ** drawn.uniform(16, 24))
            view.min_pixels = int(2 ** drawn.uniform(8, 15))
        width, height = pixel_size((page[0], page[1]), view.dpi)
        bounds = {"min_pixels": view.min_pixels, "max_pixels": view.max_pixels}
        try:
            theirs = processors[name].get_number_of_image_patches(
                height, width, {key: value for key, value in bounds.items() if value}
            )
        except ValueError:
            theirs = None
        try:
            ours = image_tokens(PUBLISHED[name], width, height, view)
        except DataError:
            ours = None
        refused += ours is None
        differ += ours != (None if theirs is None else theirs // PUBLISHED[name].merge ** 2)
    seconds = time.process_time() - started
    print(f"{sizes:,} page sizes, {refused:,} refused, {differ} differ, {seconds:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
