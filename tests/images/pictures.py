"""Image files made for a test."""

from pathlib import Path

from PIL import Image


def write_picture(path: Path, size: tuple[int, int] = (40, 30), mode: str = "RGB", colour: object = "red") -> Path:
    """A picture of one colour, in the format that its name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)  # pyright: ignore[reportArgumentType]
    return path
