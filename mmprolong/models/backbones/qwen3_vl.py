"""Qwen3-VL as published: DeepStack, interleaved mRoPE, tokens of 32 x 32 px, no system's turn unless one is given."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.models.qwen_vl.qwen_backbone import QwenBackbone


@dataclass(frozen=True, slots=True)
class Qwen3VL:
    """The family of dense models; the size is that of the weights.

    Source: https://huggingface.co/Qwen/Qwen3-VL-8B-Instruct
    """

    version: ClassVar[int] = 1

    def at(self, path: str) -> QwenBackbone:
        """Return the backbone of the model at `path`."""
        return QwenBackbone(path, "qwen3_vl", "")
