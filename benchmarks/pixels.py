"""What the pages of one pack of 128K tokens cost before they reach the GPU: `python benchmarks/pixels.py [pages]`.

52 letter pages of 144 dpi in colour, as Qwen2.5-VL takes them. `float32` is the processor's own way: normalised, both
frames, on the CPU. `uint8` is ours: whole patches of one frame, normalised by the vision tower on its device. Both
resize first. Processor time, so that other programs on the machine do not count; best of three turns.
"""

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from mmprolong.models.qwen_vl.image_format import FRAMES, ImageFormat
from mmprolong.models.qwen_vl.patches import fit, patchify
from mmprolong.settings.knobs import View

FORM = ImageFormat(min_pixels=3136, max_pixels=12_845_056)
WIDTH, HEIGHT = 1224, 1584
TURNS = 3


def normalised_patches(pages: Sequence[np.ndarray], form: ImageFormat) -> np.ndarray:
    """Return float32 (patches, 3 * 2 * patch * patch)."""
    stacked, patch, merge = np.stack(pages), form.patch, form.merge
    count, height, width, _ = stacked.shape
    high, wide = height // patch, width // patch
    mean, std = np.array(form.mean, np.float32), np.array(form.std, np.float32)
    scaled = (stacked.astype(np.float32) * np.float32(1 / 255) - mean) / std
    split = scaled.reshape(count, high // merge, merge, patch, wide // merge, merge, patch, 3)
    ordered = split.transpose(0, 1, 4, 2, 5, 7, 3, 6)
    framed = np.broadcast_to(ordered[..., None, :, :], (*ordered.shape[:6], FRAMES, patch, patch))
    return framed.reshape(count * high * wide, 3 * FRAMES * patch * patch)


def measured(work: Callable[[], np.ndarray]) -> tuple[float, int]:
    """Return processor seconds and bytes."""
    begun = time.process_time()
    size = work().nbytes
    return time.process_time() - begun, size


def main() -> None:
    """Print a table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 52
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(number)]
    rows, columns = FORM.grid(WIDTH, HEIGHT, View())
    pages = [fit(page, rows, columns, FORM.patch) for page in drawn]
    ways: dict[str, Callable[[], np.ndarray]] = {
        "resize (both)": lambda: np.stack([fit(page, rows, columns, FORM.patch) for page in drawn]),
        "float32": lambda: normalised_patches(pages, FORM),
        "uint8": lambda: patchify(pages, FORM),
    }
    turns = [{name: measured(work) for name, work in ways.items()} for _ in range(TURNS)]
    best = {name: min(turn[name] for turn in turns) for name in ways}
    print(f"{number} pages of {rows * columns // 4:,} tokens, {number * rows * columns // 4:,} together")
    for name, (seconds, size) in best.items():
        print(f"{name:14}{seconds:8.2f} CPU-s{size / 1e6:10,.0f} MB")
    resize = best["resize (both)"][0]
    (old, old_size), (new, new_size) = best["float32"], best["uint8"]
    print(f"cut: {old / new:.1f} times less; with the resize {(resize + old) / (resize + new):.1f} times less")
    print(f"memory: {old_size / new_size:.1f} times less")


if __name__ == "__main__":
    main()
