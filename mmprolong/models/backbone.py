"""One file a backbone, found by its name. Each defines `BACKBONE`, which satisfies `Backbone`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from mmprolong import plugins
from mmprolong.models.encoding import Encoded, Piece, SizeOf, assemble
from mmprolong.records import Message
from mmprolong.settings.knobs import Model

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration


class Backbone(Protocol):
    """What the rooms ask of a model family. Only `build` may import torch."""

    name: str
    image_token: int
    end: int
    """Token that ends a reply."""
    rope_base: float
    """Native rotary base."""

    def chat(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """The pieces of a conversation, in order, with what is supervised."""
        ...

    def ask(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """The pieces of a prompt: the conversation, and what makes the model answer."""
        ...

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height [px] to which an image is resized."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a reply."""
        ...

    def build(self, model: Model) -> "Qwen2_5_VLForConditionalGeneration":
        """The model to begin with."""
        ...


def find(name: str) -> Backbone:
    """The backbone of that name.

    Raises:
        ConfigError: there is none; names the nearest.
    """
    return plugins.load("mmprolong.models.backbones", name, "model.backbone").BACKBONE


def encode(backbone: Backbone, messages: Sequence[Message], size_of: SizeOf) -> Encoded:
    """A whole conversation as the model is trained on it; `size_of` gives the pixels of an image before the resize."""
    return assemble(backbone.chat(messages), lambda image: backbone.size(*size_of(image)), backbone.image_token)


def count(backbone: Backbone, messages: Sequence[Message], size_of: SizeOf) -> tuple[int, int]:
    """Exact tokens of a conversation, and how many of them carry loss."""
    encoded = encode(backbone, messages, size_of)
    return len(encoded.ids), int(encoded.supervised.sum())
