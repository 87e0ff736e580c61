"""The rotary base: applied, and proved from the frequencies that the model really uses."""

import hashlib
from typing import Any

import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from mmprolong.errors import DataError


def rope_base(model: Qwen2_5_VLForConditionalGeneration) -> float:
    """The base that the model's configuration states."""
    return float(_parameters(model)["rope_theta"])


def set_rope_base(model: Qwen2_5_VLForConditionalGeneration, base: float) -> None:
    """Give the language model's rotary embedding a new base, in its configuration and in its frequencies.

    Setting `config.text_config.rope_theta` does nothing in transformers 5: the base lives in `rope_parameters`.

    Source: arXiv 2605.13831, section 5.3 (1e6 to 2e6, 4e6, 8e6).
    """
    _parameters(model)["rope_theta"] = base
    rotary = model.model.language_model.rotary_emb
    frequencies = _frequencies(base, len(rotary.inv_freq))
    rotary.inv_freq.copy_(frequencies)
    rotary.original_inv_freq.copy_(frequencies)


def rope_fingerprint(model: Qwen2_5_VLForConditionalGeneration) -> str:
    """12 hex digits that name the model's frequencies; the same on every device.

    Raises:
        DataError: the frequencies are not those of the base that the configuration states.
    """
    frequencies = model.model.language_model.rotary_emb.inv_freq.detach().cpu()
    expected = _frequencies(rope_base(model), len(frequencies))
    if frequencies.dtype != torch.float32 or not torch.allclose(frequencies, expected, rtol=1e-6, atol=0):
        raise DataError(f"rope: frequencies are not those of base {rope_base(model):g}; the base was not applied")
    return hashlib.sha256(expected.numpy().astype("<f8").round(12).tobytes()).hexdigest()[:12]


def _parameters(model: Qwen2_5_VLForConditionalGeneration) -> dict[str, Any]:
    return model.model.language_model.config.rope_parameters  # pyright: ignore[reportReturnType]


def _frequencies(base: float, count: int) -> torch.Tensor:
    return 1.0 / base ** (torch.arange(count, dtype=torch.float32) / count)
