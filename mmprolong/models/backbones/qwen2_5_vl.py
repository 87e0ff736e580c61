"""Qwen2.5-VL as published: ChatML, 28-pixel tokens, weights from a folder or the hub."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmprolong.errors import ConfigError
from mmprolong.models.encoding import Piece
from mmprolong.models.qwen_vl import tokens
from mmprolong.records import Message
from mmprolong.settings.knobs import Model

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration


@dataclass(frozen=True, slots=True)
class Qwen25VL:
    """The family; the size is that of the weights."""

    name: str = "qwen2_5_vl"
    image_token: int = tokens.IMAGE_PAD
    end: int = tokens.IM_END
    rope_base: float = 1e6

    def chat(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """ChatML with the default system message."""
        return tokens.chat(messages)

    def ask(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """ChatML, then the assistant's header."""
        yield from tokens.chat(messages)
        yield tokens.answer_header(), False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Rounded to multiples of 28."""
        rows, columns = tokens.image_grid(width, height)
        return columns * 28, rows * 28

    def decode(self, ids: Sequence[int]) -> str:
        """Text up to the end of the turn."""
        kept = list(ids)
        return tokens.decode(kept[: kept.index(self.end)] if self.end in kept else kept)

    def build(self, model: Model) -> "Qwen2_5_VLForConditionalGeneration":
        """The published weights.

        Raises:
            ConfigError: `model.path` is empty.
        """
        from mmprolong.models.qwen_vl import weights

        if not model.path:
            raise ConfigError("model.path: empty; name a folder or hub name with the weights of Qwen2.5-VL")
        return weights.load(model.path, model.dtype)


BACKBONE = Qwen25VL()
