"""The rotary base: applied, and proved from the frequencies that the language model really uses."""

import hashlib
from typing import Any

import torch

from mmprolong.errors import DataError


def rope_base(language: Any) -> float:
    """Return the base that the language model's configuration states."""
    return float(language.config.rope_parameters["rope_theta"])


def set_rope_base(language: Any, base: float) -> None:
    """Give the rotary embedding a new base, in the configuration and in its frequencies.

    Setting `config.text_config.rope_theta` does nothing in transformers 5: the base lives in `rope_parameters`.

    Source: arXiv 2605.13831, section 5.3 (1e6 to 2e6, 4e6, 8e6).
    """
    language.config.rope_parameters["rope_theta"] = base
    rotary = language.rotary_emb
    frequencies = _frequencies(base, len(rotary.inv_freq))
    rotary.inv_freq.copy_(frequencies)
    rotary.original_inv_freq.copy_(frequencies)


def rope_fingerprint(language: Any) -> str:
    """Return 12 hex digits that name the frequencies; the same on every device.

    Raises:
        DataError: the frequencies are not those of the base that the configuration states.
    """
    kind, base = language.config.rope_parameters["rope_type"], rope_base(language)
    if kind != "default":
        raise DataError(f"rope: rope_type is {kind!r} in the model's config.json; allowed: 'default'")
    frequencies = language.rotary_emb.inv_freq.detach().cpu()
    expected = _frequencies(base, len(frequencies))
    if frequencies.dtype != torch.float32 or not torch.allclose(frequencies, expected, rtol=1e-6, atol=0):
        raise DataError(f"rope: frequencies are not those of base {base:g}; the base was not applied")
    return hashlib.sha256(expected.numpy().astype("<f8").round(12).tobytes()).hexdigest()[:12]


def _frequencies(base: float, count: int) -> torch.Tensor:
    return 1.0 / base ** (torch.arange(count, dtype=torch.float32) / count)
