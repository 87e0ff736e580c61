"""PyPI's torchvision beside a CPU build of torch. Its C++ libraries need CUDA; two things are missing, supplied here:
operators that are described at import, and the decoding of images (by Pillow).

Install as site-packages/torchvision_cpu.py with a file torchvision_cpu.pth that holds `import torchvision_cpu`.
"""

import sys
from importlib.machinery import PathFinder


def _decode_image(input, mode="UNCHANGED", apply_exif_orientation=False):
    import io

    import numpy as np
    import torch
    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(bytes(input.numpy())) if isinstance(input, torch.Tensor) else input)
    if apply_exif_orientation:
        image = ImageOps.exif_transpose(image)
    wanted = getattr(mode, "name", mode)
    image = (
        image
        if wanted == "UNCHANGED"
        else image.convert({"GRAY": "L", "GRAY_ALPHA": "LA", "RGB_ALPHA": "RGBA"}.get(wanted, wanted))
    )
    pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


class _Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torchvision":
            import torch

            if torch.version.cuda is None and not hasattr(torch.ops.torchvision, "nms"):  # asked more than once
                schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                for operator in ("nms", "qnms"):
                    torch.library.define(f"torchvision::{operator}", schema)
        elif name == "torchvision.io.image":
            spec = PathFinder.find_spec(name, path)
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                if not module._has_image_ops():
                    module.decode_image = _decode_image

            spec.loader.exec_module = exec_module
            return spec
        return None


sys.meta_path.insert(0, _Finder)
