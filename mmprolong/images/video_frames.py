"""Frames of films as pixels: decoded by PyAV, or read from a folder into which they were written before."""

import importlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image as Pillow

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, DataError
from mmprolong.images.image_files import below, open_picture

SCHEME = "video:"
_OPEN_FILMS = 4
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_SEEK = 10
"""A frame that is so many seconds ahead is looked for from the key frame before it."""


class Film(Protocol):
    """A film that is open."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height [px]."""
        ...

    @property
    def seconds(self) -> float:
        """Duration [s]."""
        ...

    def frame(self, second: float, size: tuple[int, int]) -> np.ndarray:
        """Return the frame shown at a time, uint8 (H, W, 3), resized to `size` (width, height)."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class VideoFrames:
    """Draws `video:SET/PATH#WIDTHxHEIGHT`: the frame `index` seconds after the begin, at that size.

    PATH is a film, or a folder with one image for each of its seconds in the order of their names. The content has no
    hash in the reference: films are as large as all else together, and a data set's path names them as it does files.

    Args:
        root: folder in which the data sets lie.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: OrderedDict[Path, Film] = OrderedDict()

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height [px] of what `pixels` gives; they stand in the reference.

        Raises:
            DataError: they do not.
        """
        return _parsed(image)[1]

    def pixels(self, image: Image) -> np.ndarray:
        """Return the frame as uint8 (H, W, 3).

        Raises:
            DataError: there is no such film or frame, or it cannot be read.
            ConfigError: PyAV is not installed.
        """
        name, size = _parsed(image)
        return self._film(below(self._root, image, name)).frame(image.index, size)

    def close(self) -> None:
        """Close the films that are open."""
        while self._open:
            self._open.popitem()[1].close()

    def _film(self, path: Path) -> Film:
        if path not in self._open:
            while len(self._open) >= _OPEN_FILMS:
                self._open.popitem(last=False)[1].close()
            self._open[path] = open_film(path)
        self._open.move_to_end(path)
        return self._open[path]


def _parsed(image: Image) -> tuple[str, tuple[int, int]]:
    name, _, size = image.source.removeprefix(SCHEME).rpartition("#")
    width, _, height = size.partition("x")
    if not (name and width.isdecimal() and height.isdecimal()):
        raise DataError(f"image {image.source!r}: no size; write video:SET/PATH#WIDTHxHEIGHT")
    return name, (int(width), int(height))


def open_film(path: Path) -> Film:
    """Open a film, or a folder of its frames.

    Raises:
        DataError: it is not there, or cannot be read.
        ConfigError: PyAV is not installed.
    """
    return FrameFolder(path) if path.is_dir() else DecodedFilm(path)


class FrameFolder:
    """One image for each second of a film.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES)
        if not self._files:
            raise DataError(f"{path}: no images; put one for each second of the film there, or the film itself")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first [px]."""
        with open_picture(self._files[0], str(self._files[0])) as picture:
            return picture.size

    @property
    def seconds(self) -> float:
        """Number of images."""
        return float(len(self._files))

    def frame(self, second: float, size: tuple[int, int]) -> np.ndarray:
        """Return the image of a second."""
        if not 0 <= second < len(self._files):
            raise DataError(f"{self._path}: no frame at {second} s; there are {len(self._files)} images")
        file = self._files[int(second)]
        with open_picture(file, str(file)) as picture:
            return np.array(picture.convert("RGB").resize(size, Pillow.Resampling.BICUBIC))

    def close(self) -> None:
        """Hold nothing open."""


class DecodedFilm:
    """A film that PyAV decodes; frames are cheapest in the order of time.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._av = _library()
        self._path = path
        try:
            self._container = self._av.open(str(path))
            if not self._container.streams.video:
                raise DataError(f"{path}: no pictures in it; is it a film?")
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._broken(error) from error
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._unit = float(self._stream.time_base)
        self._begin = (self._stream.start_time or 0) * self._unit
        """Time stamp of the first frame [s]; films that were cut begin later than 0."""
        self._frames = self._decoded()
        self._last: Any = None
        """Frame that was decoded last."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are stored [px]."""
        return self._stream.width, self._stream.height

    @property
    def seconds(self) -> float:
        """Duration of the stream, else of the container [s]."""
        if self._stream.duration is not None:
            return self._stream.duration * self._unit
        return (self._container.duration or 0) / self._av.time_base

    def frame(self, second: float, size: tuple[int, int]) -> np.ndarray:
        """Return the first frame that is not before a time, or the last one of the film.

        Raises:
            DataError: the film cannot be decoded there.
        """
        stamp = self._begin + second
        try:
            if self._last is None or not self._last.time <= stamp < self._last.time + _SEEK:
                self._seek(stamp)
            while self._last is None or self._last.time < stamp - 1e-6:
                following = next(self._frames, None)
                if following is None:
                    break
                self._last = following
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._broken(error) from error
        if self._last is None:
            raise DataError(f"{self._path}: no frame at {second} s; is it a whole film?")
        shown = self._last.reformat(*size, format="rgb24", interpolation="BICUBIC")
        return shown.to_ndarray()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _seek(self, stamp: float) -> None:
        self._container.seek(int(stamp / self._unit), stream=self._stream)
        self._frames, self._last = self._decoded(), None

    def _decoded(self) -> Iterator[Any]:
        return (frame for frame in self._container.decode(self._stream) if frame.time is not None)

    def _broken(self, error: Exception) -> DataError:
        return DataError(f"{self._path}: {type(error).__name__}: {error}; is it a whole film?")


def _library() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        said = "'av' is not installed; pip install 'mmprolong[video]', or give a folder of frames instead of the film"
        raise ConfigError(f"films: {said}") from error
