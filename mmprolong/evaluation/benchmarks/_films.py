"""Films as the frames that a model is shown: one a second, few enough and small enough for a limit of tokens."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from mmprolong.conversations import Image
from mmprolong.errors import DataError
from mmprolong.images.video_frames import SCHEME, open_film

MOST_FRAMES = 768
MOST_TOKENS = 24_576
"""Of all frames of a film."""
LENGTH = "24K"
"""Nominal length of a question about a film: its most tokens."""
_SIDE = 28
"""Side of what becomes one token of Qwen2.5-VL [px]."""
_MOST_TOKENS_A_FRAME = 768


def frames_below(root: Path) -> Callable[[str], tuple[Image, ...]]:
    """Return a function from the path of a film below `root` to the frames shown of it; a film is opened once.

    A folder that is called as the film without its ending stands for it: it holds an image for each second.
    """

    @cache
    def frames(path: str) -> tuple[Image, ...]:
        folder = path.rpartition(".")[0]
        path = folder if (root / folder).is_dir() else path
        if not (root / path).exists():
            raise DataError(f"{root / path}: not there; put the film there, or a folder {root / folder} of its frames")
        film = open_film(root / path)
        try:
            seconds, size = film.seconds, film.size
        finally:
            film.close()
        places = sampled(seconds)
        width, height = fitted(*size, tokens=MOST_TOKENS // len(places))
        return tuple(Image(f"{SCHEME}{path}#{width}x{height}", place) for place in places)

    return frames


def sampled(seconds: float) -> list[int]:
    """Return the seconds of a film that are shown: all of them, or as many as may be, evenly spread.

    Source: arXiv 2605.13831, appendix B (one frame a second, at most 768).
    """
    total = max(int(seconds), 1)
    return [place * total // min(total, MOST_FRAMES) for place in range(min(total, MOST_FRAMES))]


def fitted(width: int, height: int, tokens: int) -> tuple[int, int]:
    """Return the size of a frame that takes at most `tokens`, in whole tokens [px]."""
    tokens = min(tokens, _MOST_TOKENS_A_FRAME)
    columns, rows = max(1, round(width / _SIDE)), max(1, round(height / _SIDE))
    if columns * rows > tokens:
        scale = math.sqrt(width * height / (tokens * _SIDE**2))
        columns, rows = (max(1, math.floor(side / scale / _SIDE)) for side in (width, height))
        columns, rows = min(columns, tokens // rows), min(rows, tokens)
    return max(columns, 1) * _SIDE, rows * _SIDE


def subtitles(path: Path) -> Iterator[tuple[float, float, str]]:
    """Yield begin [s], end [s] and text of each subtitle of an .srt file; what is none is left out."""
    for block in path.read_text(encoding="utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n\n"):
        lines = block.strip().split("\n")
        place = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if place is None:
            continue
        begin, _, end = lines[place].partition("-->")
        text = " ".join(line.strip() for line in lines[place + 1 :])
        yield seconds_of(begin), seconds_of(end.split()[0]), text


def seconds_of(stamp: str) -> float:
    """Return the seconds of 'hours:minutes:seconds', which may have a fraction behind a comma or a point.

    Raises:
        ValueError: it is none.
    """
    hours, minutes, seconds = stamp.strip().replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
