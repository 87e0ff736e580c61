"""Model folders as the hub has them, with tiny random weights; and images to show."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.models.backbone import Backbone, find
from mmprolong.models.network import Network
from mmprolong.settings.knobs import Model, View

_NAMES = (
    *("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end"),
    *("quad_start", "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
)
SPECIAL = [f"<|{name}|>" for name in _NAMES]
TEMPLATES = {
    "qwen2_5_vl": (
        "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a "
        "helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
        "{% for content in message['content'] %}{% if content['type'] == 'image' %}<|vision_start|><|image_pad|>"
        "<|vision_end|>{% else %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "qwen3_vl": (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for content in message['content'] %}"
        "{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ content['text'] }}"
        "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
}
"""What the published templates say where there are no tools and no films.

Source: https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct/blob/main/chat_template.json
https://huggingface.co/Qwen/Qwen3-VL-8B-Instruct/blob/main/chat_template.json
"""
IMAGES = {
    "qwen2_5_vl": {
        "min_pixels": 3136,
        "max_pixels": 12_845_056,
        "patch_size": 14,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    },
    "qwen3_vl": {
        "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216},
        "patch_size": 16,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    },
}
"""The published preprocessor_config.json."""
QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Where Qwen's tokenizer splits words.

Source: https://github.com/huggingface/transformers/blob/
168c83fa9fa333e00ffb3e8c6358e5f818ae2611/src/transformers/models/qwen2/tokenization_qwen2.py
"""
SMALL = View(min_pixels=2048)
"""A view in which pages of 56 px stay small for every family."""


class Drawn:
    """Noise, as large as an image's name says: 'pdf:56x84' is 56 px wide and 84 px high."""

    def __init__(self, grey: bool = False) -> None:
        self.grey = grey

    def size(self, image: Image) -> tuple[int, int]:
        width, height = image.source.removeprefix("pdf:").split("x")
        return int(width), int(height)

    def pixels(self, image: Image) -> np.ndarray:
        width, height = self.size(image)
        shape = (height, width) if self.grey else (height, width, 3)
        return np.random.default_rng([width, height, image.index]).integers(0, 256, shape, dtype=np.uint8)


def write_model(kind: str, folder: Path, tokens: Tokenizer | None = None) -> str:
    """Write a tiny model of a family; return its `model.path`, which is empty where the family brings its own.

    Args:
        tokens: of the model; none: bytes.
    """
    if kind == "proxy":
        return ""
    tokens = tokens or byte_tokenizer()
    ids = {f"{name}_token_id": tokens.token_to_id(f"<|{mark}|>") for name, mark in _MARKS.items()}
    _network(kind, tokens.get_vocab_size(), ids).save_pretrained(folder)
    wrapped(tokens, TEMPLATES[kind]).save_pretrained(folder)
    image = {"image_processor_type": "Qwen2VLImageProcessor", "temporal_patch_size": 2, "merge_size": 2, **IMAGES[kind]}
    (folder / "preprocessor_config.json").write_text(json.dumps(image))
    ends = [tokens.token_to_id("<|im_end|>"), tokens.token_to_id("<|endoftext|>")]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends, "pad_token_id": ends[1]}))
    return str(folder)


def loaded(kind: str, folder: Path) -> tuple[Backbone, Network]:
    """A tiny model, written to a folder and loaded."""
    return load_spread(kind, write_model(kind, folder))


def load_spread(kind: str, path: str) -> tuple[Backbone, Network]:
    """A model whose weights are spread enough that the greatest logit is no tie and that images matter."""
    backbone = find(kind, path)
    network = backbone.load(Model(backbone=kind, path=path))
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in network.module.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.5 if "embed_tokens" in name else 1.5 / weight[0].numel() ** 0.5)
            elif name.endswith("bias"):
                weight.normal_(0, 0.1)
    network.module.eval()
    return backbone, network


def stock_pixels(exported: Path, images: Drawn, shown: Sequence[Image]) -> dict[str, torch.Tensor]:
    """What transformers' own processor makes of images in the small view."""
    size = {"shortest_edge": SMALL.min_pixels, "longest_edge": 10**7}
    pages = [images.pixels(image) for image in shown]
    return dict(AutoImageProcessor.from_pretrained(exported)(images=pages, size=size, return_tensors="pt"))


def byte_tokenizer() -> Tokenizer:
    """256 bytes and the special tokens behind them."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    built = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    built.normalizer = normalizers.NFC()
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    return built


def qwen_tokenizer() -> Tokenizer:
    """Qwen's own, special tokens under their published ids, from the vocabulary that dashscope (Apache-2.0) ships."""
    converter = TikTokenConverter(vocab_file=str(qwen_ranks()), pattern=QWEN_WORDS, extra_special_tokens=SPECIAL)
    built = converter.converted()
    built.normalizer = normalizers.NFC()
    return built


def qwen_ranks() -> Path:
    """The file of Qwen's vocabulary."""
    found = find_spec("dashscope")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"


def wrapped(built: Tokenizer, template: str) -> PreTrainedTokenizerFast:
    """The files around a tokenizer.json."""
    return PreTrainedTokenizerFast(
        tokenizer_object=built, chat_template=template, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


_MARKS = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}


def _network(kind: str, vocabulary: int, ids: dict[str, int]) -> torch.nn.Module:
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
    }
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
    if kind == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1], "window_size": 112}
    else:
        text |= {"head_dim": 32}
        text["rope_parameters"] |= {"rope_theta": 5e6, "mrope_section": [6, 5, 5], "mrope_interleaved": True}
        vision |= {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64}
    torch.manual_seed(0)
    return AutoModelForImageTextToText.from_config(
        AutoConfig.for_model(kind, text_config=text, vision_config=vision, tie_word_embeddings=False, **ids)
    )


def asked(question: str, *images: Image | Pages) -> Message:
    """A user's turn that shows images, then asks."""
    return Message("user", (*images, Text(question)))


def answered(*texts: str) -> Message:
    """An assistant's turn that is learned."""
    return Message("assistant", tuple(Text(text, learned=True) for text in texts))
