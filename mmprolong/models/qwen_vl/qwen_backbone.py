"""The common part of Qwen2.5-VL and Qwen3-VL before a network is loaded: text, images, positions. No torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmprolong.conversations import Message
from mmprolong.errors import ConfigError
from mmprolong.models import files
from mmprolong.models.encoding import Encoded, Piece
from mmprolong.models.qwen_vl import chat
from mmprolong.models.qwen_vl.image_format import ImageFormat, image_format_in
from mmprolong.models.qwen_vl.patches import fit, patchify
from mmprolong.models.qwen_vl.positions import mrope_positions
from mmprolong.models.tokenizer import TextTokenizer, tokenizer_at
from mmprolong.settings.knobs import Model, View

if TYPE_CHECKING:
    from mmprolong.models.qwen_vl.qwen_network import QwenNetwork


@dataclass(frozen=True, slots=True)
class QwenBackbone:
    """A published model, or one that was exported like it."""

    path: str
    """Folder or hub name; its tokenizer and its image format are used."""
    kind: str
    """`model_type` in its config.json."""
    default_system: str
    """System's turn of a conversation without one; empty: none."""

    @property
    def tokenizer(self) -> TextTokenizer:
        """Tokenizer of the model."""
        return tokenizer_at(files.need_file(self.path, files.TOKENIZER))

    @property
    def form(self) -> ImageFormat:
        """Image format of the model."""
        return image_format_in(files.need_file(self.path, files.PREPROCESSOR))

    @property
    def image_token(self) -> int:
        """`<|image_pad|>`."""
        return self.tokenizer.id_of(chat.IMAGE_PAD)

    @property
    def marks(self) -> int:
        """`<|vision_start|>` and `<|vision_end|>`."""
        return len((chat.VISION_START, chat.VISION_END))

    @property
    def end(self) -> tuple[int, ...]:
        """`<|im_end|>` and `<|endoftext|>`."""
        return self.tokenizer.id_of(chat.IM_END), self.tokenizer.id_of(chat.END_OF_TEXT)

    def pieces(self, messages: Sequence[Message], answer: bool = False) -> Iterator[Piece]:
        """Yield ChatML."""
        return chat.chat_pieces(messages, self.tokenizer, self.default_system, answer)

    def grid(self, width: int, height: int, view: View) -> tuple[int, int]:
        """Round to whole tokens within the bounds of the view, or of the model."""
        return self.form.grid(width, height, view)

    def span(self, rows: int, columns: int) -> list[int]:
        """Return one id for each square of merged patches."""
        return [self.image_token] * (rows * columns // self.form.merge**2)

    def fit(self, page: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Resize as the published processor does."""
        return fit(page, rows, columns, self.form.patch)

    def patches(self, pages: Sequence[np.ndarray], grids: np.ndarray) -> np.ndarray:
        """Resize to whole patches."""
        fitted = [self.fit(page, rows, columns) for page, (_, rows, columns) in _pairs(pages, grids)]
        return patchify(fitted, self.form)

    def positions(self, encoded: Encoded) -> np.ndarray:
        """Return mRoPE positions, int64 (3, S)."""
        return mrope_positions(encoded, self.form.merge)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text up to the end of the turn."""
        kept = list(ids)
        first = next((place for place, index in enumerate(kept) if index in self.end), len(kept))
        return self.tokenizer.decode(kept[:first])

    def load(self, model: Model, folder: Path | None = None) -> "QwenNetwork":
        """Return the network with published weights, or those of a checkpoint.

        Raises:
            ConfigError: there are none, or they are of another family.
        """
        from mmprolong.models.qwen_vl.qwen_network import load, native_rope

        config = files.need_file(self.path, files.CONFIG)
        stated = files.read_json_file(config)
        found, text = stated.get("model_type"), stated.get("text_config", stated)
        if found != self.kind:
            raise ConfigError(f"model.backbone: {config} is of a {found!r}; the backbone takes {self.kind!r}")
        base, read = text.get("rope_theta"), text.get("rope_parameters", {}).get("rope_theta")
        if None not in (base, read) and base != read:  # transformers takes the second, without a word
            raise ConfigError(f"{config}: rope_theta is {base:g}, in rope_parameters {read:g}; give one of them")
        source = files.model_source(str(folder or model.path))
        return load(source, model.dtype, self, native_rope(str(config.parent), model.native_context))

    def write_processor(self, folder: Path) -> None:
        """Copy the files that serving engines need besides the weights: tokenizer, chat template, image format."""
        for name in files.OF_PROCESSOR:
            found = files.find_file(self.path, name)
            if found is not None:
                (folder / name).write_bytes(found.read_bytes())


def _pairs(pages: Sequence[np.ndarray], grids: np.ndarray) -> Iterator[tuple[np.ndarray, list[int]]]:
    return zip(pages, grids.tolist(), strict=True)
