"""Image files and films made for a test."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_picture(path: Path, size: tuple[int, int] = (40, 30), mode: str = "RGB", colour: object = "red") -> Path:
    """A picture of one colour, in the format that its name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)  # pyright: ignore[reportArgumentType]
    return path


def picture_bytes(size: tuple[int, int] = (40, 30)) -> bytes:
    """The bytes of a picture, as data sets keep them in tables."""
    content = io.BytesIO()
    Image.new("RGB", size, "red").save(content, "PNG")
    return content.getvalue()


def write_film(path: Path, greys: Sequence[int], rate: int = 10) -> Path:
    """A film of 80 x 60 px, one second of each grey; skips the test where PyAV is not installed."""
    av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'mmprolong[video]'")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 80, 60, "yuv420p"
        for grey in greys:
            for _ in range(rate):
                frame = av.VideoFrame.from_ndarray(np.full((60, 80, 3), grey, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
