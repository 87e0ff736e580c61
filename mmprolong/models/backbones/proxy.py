"""A Qwen2.5-VL of 0.8 M parameters that learns to read stamped thumbnails on one CPU core in about a minute.

Same classes, same image path, same mRoPE as the 7B model; only the sizes, the vocabulary and the chat template differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mmprolong.conversations import Image, Message, Text, flat
from mmprolong.errors import DataError, nearest
from mmprolong.models import files
from mmprolong.models.encoding import Encoded, Piece
from mmprolong.models.qwen_vl.image_format import FRAMES, ImageFormat
from mmprolong.models.qwen_vl.patches import patchify
from mmprolong.models.qwen_vl.positions import mrope_positions
from mmprolong.models.shapes import PROXY, known_sizes
from mmprolong.settings.knobs import Model, View

if TYPE_CHECKING:
    from mmprolong.models.qwen_vl.qwen_network import QwenNetwork

SPECIAL = ("<pad>", "<bos>", "<end>", "<vision_start>", "<vision_end>", "<image>", "<video>")
WORDS = ("find", "list", "sum", "difference", "largest", "count", "read", "from", ":", "=")
VOCABULARY = (*SPECIAL, *WORDS, *(str(number) for number in range(32)), *ascii_uppercase)
IDS = {word: index for index, word in enumerate(VOCABULARY)}
ROPE_BASE, MAX_POSITIONS = 1e4, 32_768
FORM = ImageFormat(min_pixels=28 * 28, max_pixels=12_845_056)
TEMPLATE = (
    "<bos>{% for message in messages %}{% for part in message.content %}{% if part.type == 'image' %}<vision_start>"
    "<image><vision_end>{% else %}{{ part.text }} {% endif %}{% endfor %}{% if message.role == 'assistant' %}<end>"
    "{% endif %}{% endfor %}"
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The family; there is one size."""

    version: ClassVar[int] = 1

    def at(self, path: str) -> "ProxyBackbone":
        """Return the backbone, which brings its own vocabulary."""
        return ProxyBackbone()


@dataclass(frozen=True, slots=True)
class ProxyBackbone:
    """A word a token; no role marks, since a hop between key and value makes learning heavy-tailed."""

    image_token: int = IDS["<image>"]
    marks: int = 2
    end: tuple[int, ...] = (IDS["<end>"],)
    form: ImageFormat = FORM

    def pieces(self, messages: Sequence[Message], answer: bool = False) -> Iterator[Piece]:
        """Yield `<bos>`, the parts, and `<end>` after each of the assistant's turns; the answer follows directly."""
        yield [IDS["<bos>"]], False
        for number, message in enumerate(messages, 1):
            learned = any(isinstance(part, Text) and part.learned for part in message.parts)
            for part in flat(message.parts):
                yield from _piece(part)
            continued = answer and number == len(messages) and not learned
            if message.role == "assistant" and not continued:
                yield [IDS["<end>"]], learned

    def grid(self, width: int, height: int, view: View) -> tuple[int, int]:
        """Take thumbnails, which are whole tokens already.

        Raises:
            DataError: they are not.
        """
        side = FORM.patch * FORM.merge
        if width % side or height % side:
            raise DataError(f"{width} x {height} px; proxy takes multiples of {side} (view.thumbnail)")
        return height // FORM.patch, width // FORM.patch

    def span(self, rows: int, columns: int) -> list[int]:
        """Return one id for each square of merged patches."""
        return [self.image_token] * (rows * columns // FORM.merge**2)

    def fit(self, page: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Return the thumbnail, which is whole tokens already."""
        return page

    def patches(self, pages: Sequence[np.ndarray], grids: np.ndarray) -> np.ndarray:
        """Cut thumbnails as they are."""
        return patchify(pages, FORM)

    def positions(self, encoded: Encoded) -> np.ndarray:
        """Return mRoPE positions, int64 (3, S)."""
        return mrope_positions(encoded, FORM.merge)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words up to the end of the reply."""
        words = [VOCABULARY[index] if index < len(VOCABULARY) else "<?>" for index in ids]
        return " ".join(words[: words.index("<end>")] if "<end>" in words else words)

    def load(self, model: Model, folder: Path | None = None) -> "QwenNetwork":
        """Return the network with weights drawn from `model.seed`, or read from `folder` or `model.path`."""
        from mmprolong.models.qwen_vl import qwen_network
        from mmprolong.models.rope import NativeRope

        native = NativeRope(ROPE_BASE, model.native_context, MAX_POSITIONS)
        if folder or model.path:
            source = files.model_source(str(folder or model.path))
            return qwen_network.load(source, model.dtype, self, native)
        return qwen_network.ready(_initialised(model), self, native)

    def write_processor(self, folder: Path) -> None:
        """Write tokenizer, chat template and image format as the published models have them."""
        from tokenizers import Tokenizer, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast

        words = Tokenizer(models.WordLevel(IDS, unk_token="<pad>"))
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
        words.add_special_tokens(list(SPECIAL))
        marks = {f"{name.strip('<>')}_token": name for name in SPECIAL[3:]}
        PreTrainedTokenizerFast(
            tokenizer_object=words,
            chat_template=TEMPLATE,
            bos_token="<bos>",
            eos_token="<end>",
            pad_token="<pad>",
            extra_special_tokens=marks,
        ).save_pretrained(folder)
        images = {
            "image_processor_type": "Qwen2VLImageProcessor",
            "processor_class": "Qwen2_5_VLProcessor",
            "size": {"shortest_edge": FORM.min_pixels, "longest_edge": FORM.max_pixels},
            "patch_size": FORM.patch,
            "merge_size": FORM.merge,
            "temporal_patch_size": FRAMES,
            "image_mean": FORM.mean,
            "image_std": FORM.std,
        }
        files.write_json_file(folder / files.PREPROCESSOR, images)


def _piece(part: Any) -> Iterator[Piece]:
    if isinstance(part, Text):
        unknown = next((word for word in part.text.split() if word not in IDS), None)
        if unknown is not None:
            raise DataError(f"proxy: {unknown!r} is not in the vocabulary; {nearest(unknown, IDS)}")
        yield [IDS[word] for word in part.text.split()], part.learned
    elif isinstance(part, Image):
        yield [IDS["<vision_start>"]], False
        yield part, False
        yield [IDS["<vision_end>"]], False
    else:
        raise DataError(f"a film of {len(part.frames)} frames: the proxy takes no films; give images")


def _initialised(model: Model) -> Any:
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    sizes = known_sizes()[PROXY]
    text = {
        **sizes["text_config"],
        "max_position_embeddings": MAX_POSITIONS,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE, "mrope_section": [4, 6, 6]},
        "bos_token_id": IDS["<bos>"],
        "eos_token_id": IDS["<end>"],
        "pad_token_id": IDS["<pad>"],
        "tie_word_embeddings": True,
        "initializer_range": 0.03,
    }
    vision = {**sizes["vision_config"], "initializer_range": 0.03}
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=IDS["<image>"],
        video_token_id=IDS["<video>"],
        vision_start_token_id=IDS["<vision_start>"],
        vision_end_token_id=IDS["<vision_end>"],
        tie_word_embeddings=True,
        initializer_range=0.03,  # pyright: ignore[reportCallIssue]
    )
    torch.manual_seed(model.seed)
    made = Qwen2_5_VLForConditionalGeneration(config)
    for parameter in made.parameters():  # not the buffers: rotary frequencies stay float32
        parameter.data = parameter.data.to(getattr(torch, model.dtype))
    return made
