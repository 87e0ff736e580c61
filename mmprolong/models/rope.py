"""Rotary positions: applied, and proved from the frequencies that the language model really uses."""

import hashlib
from dataclasses import dataclass
from typing import Any

import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from mmprolong.errors import DataError
from mmprolong.settings.knobs import Rope


@dataclass(frozen=True, slots=True)
class NativeRope:
    """The positions that the published model was trained with."""

    base: float
    context: int
    """Tokens."""
    max_positions: int
    """`max_position_embeddings` in its configuration."""


def rope_base(language: Any) -> float:
    """Return the base that the language model's configuration states."""
    return float(language.config.rope_parameters["rope_theta"])


def ntk_base(base: float, scale: float, head: int) -> float:
    """Return the base that stretches the slowest frequency by `scale` and leaves the fastest as it is.

    Args:
        head: dimension of an attention head.

    Source: arXiv 2605.13831, appendix A.2 (t = 4: 4e6 from 1e6).
    """
    return base * scale ** (head / (head - 2))


def apply_rope(language: Any, rope: Rope, native: NativeRope) -> None:
    """Give the rotary embedding other frequencies, in the configuration and in the module.

    Setting `config.text_config.rope_theta` does nothing in transformers 5: the base lives in `rope_parameters`. The
    sections of mRoPE stay as they are.

    Source: arXiv 2605.13831, section 5.3 (1e6 to 2e6, 4e6, 8e6); arXiv 2309.00071 (YaRN).
    """
    config, rotary = language.config, language.rotary_emb
    factor, base, max_positions = float(rope.factor), native.base, native.max_positions
    scaled: dict[str, Any] = {"rope_type": "default"}
    if rope.kind == "base":
        base *= factor
    elif rope.kind == "ntk":
        base = ntk_base(base, factor, 2 * len(rotary.inv_freq))
    else:
        scaled = {"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": native.context}
        max_positions = round(native.context * factor)
    sections = {name: value for name, value in config.rope_parameters.items() if name.startswith("mrope")}
    config.rope_parameters = {**scaled, "rope_theta": base, **sections}
    config.max_position_embeddings = max_positions
    frequencies, scaling = _stated(language)
    rotary.inv_freq.copy_(frequencies)
    rotary.original_inv_freq.copy_(frequencies)
    rotary.rope_type, rotary.attention_scaling = scaled["rope_type"], scaling


def rope_fingerprint(language: Any) -> str:
    """Return 12 hex digits that name the frequencies and the attention scaling; the same on every device.

    Raises:
        DataError: they are not those that the configuration states.
    """
    rotary, stated = language.rotary_emb, language.config.rope_parameters
    expected, scaling = _stated(language)
    found = rotary.inv_freq.detach().cpu()
    if found.dtype != torch.float32 or not torch.allclose(found, expected, rtol=1e-6, atol=0):
        raise DataError(f"rope: frequencies are not those of base {rope_base(language):g}; the base was not applied")
    if rotary.attention_scaling != scaling:
        raise DataError(f"rope: attention scaling is {rotary.attention_scaling}, configured {scaling}; not applied")
    digest = hashlib.sha256(expected.numpy().astype("<f8").round(12).tobytes())
    if stated["rope_type"] != "default":
        digest.update(f"{stated['rope_type']} {scaling:.9g}".encode())
    return digest.hexdigest()[:12]


def _stated(language: Any) -> tuple[torch.Tensor, float]:
    """Return the frequencies (head / 2,) and the attention scaling of the configuration."""
    config, kind = language.config, language.config.rope_parameters["rope_type"]
    if kind == "default":
        return language.rotary_emb.compute_default_rope_parameters(config)
    if kind == "yarn":
        return ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
    raise DataError(f"rope: rope_type is {kind!r} in the model's config.json; allowed: 'default', 'yarn'")
