"""Tokens of Qwen2.5-VL: its text vocabulary, its conversations, and how many tokens an image takes. No torch."""

import base64
import importlib
import importlib.util
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError, DataError
from mmprolong.models.encoding import Piece
from mmprolong.records import Image, Message

IM_START, IM_END = 151644, 151645
VISION_START, VISION_END, IMAGE_PAD = 151652, 151653, 151655
FACTOR = 28
"""Side of the square that becomes one token [px]."""
MIN_PIXELS, MAX_PIXELS = 56 * 56, 12_845_056
"""Bounds of an image after the resize; the published preprocessor_config.json of Qwen2.5-VL-7B-Instruct."""
SYSTEM = "You are a helpful assistant."
ANSWERING = ("assistant", "given")
"""Roles whose messages make up the assistant's turn."""
_LARGEST_RATIO = 200
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def image_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of tokens that an image of this size [px] takes.

    Each side is rounded to a multiple of 28; an image out of bounds is scaled to fit them first.

    Raises:
        DataError: the sides differ by more than 200 times.

    Source: `smart_resize` in https://github.com/huggingface/transformers/blob/
    9feaf6f1d95e9976003f0a7f049e44f92b781c51/src/transformers/models/qwen2_vl/image_processing_pil_qwen2_vl.py
    """
    if max(width, height) > _LARGEST_RATIO * min(width, height):
        raise DataError(f"image of {width} x {height} px; one side may be at most {_LARGEST_RATIO} times the other")
    rows, columns = round(height / FACTOR), round(width / FACTOR)
    area = rows * columns * FACTOR**2
    if area > MAX_PIXELS:
        scale = math.sqrt(height * width / MAX_PIXELS)
        return _whole(height / scale, math.floor), _whole(width / scale, math.floor)
    if area < MIN_PIXELS:
        scale = math.sqrt(MIN_PIXELS / (height * width))
        return _whole(height * scale, math.ceil), _whole(width * scale, math.ceil)
    return rows, columns


def chat(messages: Sequence[Message]) -> Iterator[Piece]:
    """The ChatML of a conversation, in order; the assistant's text and the end of its turn are supervised.

    What is given to the assistant stands in its turn; a space parts neighbours there.

    Source: https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct/blob/main/chat_template.json
    """
    yield [IM_START, *encode(f"system\n{SYSTEM}"), IM_END, *encode("\n")], False
    for answers, turn in groupby(messages, key=lambda message: message.role in ANSWERING):
        if answers:
            yield from _answer(turn)
        else:
            for message in turn:
                yield [IM_START], False
                yield from _parts((f"{message.role}\n", *message.parts), False)
                yield [IM_END, *encode("\n")], False


def answer_header() -> list[int]:
    """What the model reads before it answers."""
    return [IM_START, *encode("assistant\n")]


def encode(text: str) -> list[int]:
    """Token ids of a text; what looks like a special token is read as plain text.

    Raises:
        ConfigError: the vocabulary is not installed.
    """
    return _vocabulary().encode_ordinary(unicodedata.normalize("NFC", text))


def decode(ids: Iterable[int]) -> str:
    """The text of `ids`; special tokens are left out."""
    return _vocabulary().decode([index for index in ids if index < IM_START - 1])


def _answer(turn: Iterable[Message]) -> Iterator[Piece]:
    yield answer_header(), False
    for number, message in enumerate(turn):
        yield from _parts((" " if number else "", *message.parts), message.role == "assistant")
    yield [IM_END], True
    yield encode("\n"), False


def _parts(parts: Iterable[str | Image], learned: bool) -> Iterator[Piece]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part  # neighbours are read as one text, as the template joins them
            continue
        yield [*encode(text), VISION_START], learned
        yield part, False
        yield [VISION_END], learned
        text = ""
    if text:
        yield encode(text), learned


def _whole(side: float, rounded: Any) -> int:
    return max(1, rounded(side / FACTOR))


@cache
def _vocabulary() -> Any:
    """The Qwen BPE: ranks from dashscope (Apache-2.0), which is located but not imported.

    Source: https://github.com/huggingface/transformers/blob/
    168c83fa9fa333e00ffb3e8c6358e5f818ae2611/src/transformers/models/qwen2/tokenization_qwen2.py (word pattern, NFC)
    """
    try:
        tiktoken = importlib.import_module("tiktoken")
    except ImportError as error:
        raise ConfigError("model.backbone: tiktoken is not installed; pip install 'mmprolong[qwen]'") from error
    lines = _ranks_file().read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    return tiktoken.Encoding("qwen", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={})


def _ranks_file() -> Path:
    found = importlib.util.find_spec("dashscope")
    places = found.submodule_search_locations if found else None
    path = Path(next(iter(places or ["."]))) / "resources" / "qwen.tiktoken"
    if not path.is_file():
        raise ConfigError("model.backbone: the Qwen vocabulary is not installed; pip install 'mmprolong[qwen]'")
    return path
