"""Qwen2.5-VL as published: windowed vision tower, tokens of 28 x 28 px, a default system's turn."""

from dataclasses import dataclass
from typing import ClassVar

from mmprolong.models.qwen_vl.qwen_backbone import QwenBackbone


@dataclass(frozen=True, slots=True)
class Qwen25VL:
    """The family; the size is that of the weights.

    Source: https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct
    """

    version: ClassVar[int] = 1

    def at(self, path: str) -> QwenBackbone:
        """Return the backbone of the model at `path`."""
        return QwenBackbone(path, "qwen2_5_vl", "You are a helpful assistant.")
