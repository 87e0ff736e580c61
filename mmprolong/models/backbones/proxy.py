"""A Qwen2.5-VL of 0.8 M parameters that learns to read stamped thumbnails on one CPU core in about a minute.

Same classes, same image path, same mRoPE as the 7B model; only the sizes, the vocabulary and the chat template differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

from mmprolong.errors import DataError, nearest
from mmprolong.models.encoding import Piece
from mmprolong.records import Image, Message
from mmprolong.settings.knobs import Model

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration

SPECIAL = ("<pad>", "<bos>", "<end>", "<vision_start>", "<vision_end>", "<image>", "<video>")
WORDS = ("find", "list", "sum", "difference", "largest", "count", "read", "from", ":", "=")
VOCABULARY = (*SPECIAL, *WORDS, *(str(number) for number in range(32)), *ascii_uppercase)
_IDS = {word: index for index, word in enumerate(VOCABULARY)}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A word a token; no role marks, since a hop between key and value makes learning heavy-tailed."""

    name: str = "proxy"
    image_token: int = _IDS["<image>"]
    end: int = _IDS["<end>"]
    rope_base: float = 1e4
    width: int = 128
    layers: int = 3
    heads: int = 4

    def chat(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """`<bos>`, the parts, and `<end>` after each of the assistant's turns; its own words are supervised."""
        yield [_IDS["<bos>"]], False
        following = [message.role for message in messages[1:]] + ["user"]
        for message, next_role in zip(messages, following, strict=True):
            for part in message.parts:
                if isinstance(part, Image):
                    yield [_IDS["<vision_start>"]], False
                    yield part, False
                    yield [_IDS["<vision_end>"]], False
                else:
                    yield _words(part), message.role == "assistant"
            if message.role != "user" and next_role == "user":
                yield [self.end], True

    def ask(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """The same: the answer follows the question directly."""
        return self.chat(messages)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Thumbnails are whole tokens already.

        Raises:
            DataError: they are not.
        """
        if width % 28 or height % 28:
            raise DataError(
                f"proxy: an image of {width} x {height} px; sides must be multiples of 28 (corpus.thumbnail)"
            )
        return width, height

    def decode(self, ids: Sequence[int]) -> str:
        """Words up to the end of the reply."""
        words = [VOCABULARY[index] if index < len(VOCABULARY) else "<?>" for index in ids]
        return " ".join(words[: words.index("<end>")] if "<end>" in words else words)

    def build(self, model: Model) -> "Qwen2_5_VLForConditionalGeneration":
        """Weights drawn from `model.seed`, or read from `model.path`."""
        from mmprolong.models.qwen_vl import weights

        if model.path:
            return weights.load(model.path, model.dtype)
        return weights.initialise(_config(self), model.seed)


def _words(text: str) -> list[int]:
    unknown = next((word for word in text.split() if word not in _IDS), None)
    if unknown is not None:
        raise DataError(f"proxy: {unknown!r} is not in the vocabulary; {nearest(unknown, _IDS)}")
    return [_IDS[word] for word in text.split()]


def _config(proxy: Proxy):
    from transformers import Qwen2_5_VLConfig

    text = {
        "vocab_size": 192,
        "hidden_size": proxy.width,
        "intermediate_size": 336,
        "num_hidden_layers": proxy.layers,
        "num_attention_heads": proxy.heads,
        "num_key_value_heads": proxy.heads // 2,
        "max_position_embeddings": 32768,
        "rope_parameters": {"rope_type": "default", "rope_theta": proxy.rope_base, "mrope_section": [4, 6, 6]},
        "bos_token_id": _IDS["<bos>"],
        "eos_token_id": _IDS["<end>"],
        "pad_token_id": _IDS["<pad>"],
        "tie_word_embeddings": True,
        "initializer_range": 0.03,
    }
    vision = {
        "depth": 1,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 4,
        "out_hidden_size": proxy.width,
        "patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [0],
        "initializer_range": 0.03,
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=proxy.image_token,
        video_token_id=_IDS["<video>"],
        vision_start_token_id=_IDS["<vision_start>"],
        vision_end_token_id=_IDS["<vision_end>"],
        tie_word_embeddings=True,
        initializer_range=0.03,  # pyright: ignore[reportCallIssue]
    )


BACKBONE = Proxy()
