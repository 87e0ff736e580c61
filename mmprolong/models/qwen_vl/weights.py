"""Weights on disk: a Hugging Face folder, safetensors only, and a note of what the rotary frequencies are."""

from pathlib import Path

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.utils.import_utils import is_flash_attn_2_available

from mmprolong.errors import DataError
from mmprolong.models.qwen_vl.attention import speed_up
from mmprolong.models.qwen_vl.vision import Patches
from mmprolong.models.rope import rope_base, rope_fingerprint
from mmprolong.records import Checkpoint
from mmprolong.store.atomic import read_json, write_json

NOTE = "checkpoint.json"


def initialise(config: Qwen2_5_VLConfig, seed: int) -> Qwen2_5_VLForConditionalGeneration:
    """A model with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return _ready(Qwen2_5_VLForConditionalGeneration(config))


def load(path: str | Path, dtype: str) -> Qwen2_5_VLForConditionalGeneration:
    """A model from a folder of ours or a hub name. No remote code, no pickles."""
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        path, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
    )
    return _ready(model)


def save(model: Qwen2_5_VLForConditionalGeneration, folder: Path, backbone: str, updates: int, tokens: int) -> None:
    """Write `model/` and its note into a step's folder."""
    model.save_pretrained(folder / "model")
    note = Checkpoint(
        backbone=backbone,
        updates=updates,
        tokens=tokens,
        rope_base=rope_base(model),
        rope_fingerprint=rope_fingerprint(model),
    )
    write_json(folder / NOTE, note)


def resume(folder: Path, dtype: str) -> tuple[Qwen2_5_VLForConditionalGeneration, Checkpoint]:
    """The model of a finished training step.

    Raises:
        DataError: its rotary frequencies are not those it was saved with.
    """
    note = Checkpoint(**read_json(folder / NOTE))
    model = load(folder / "model", dtype)
    found = rope_fingerprint(model)
    if found != note.rope_fingerprint:
        raise DataError(
            f"{folder}: rotary frequencies {found} are not those of the checkpoint, {note.rope_fingerprint}"
        )
    return model, note


def _ready(model: Qwen2_5_VLForConditionalGeneration) -> Qwen2_5_VLForConditionalGeneration:
    """On the GPU where there is one; with attention that keeps packed documents apart."""
    visual = model.model.visual
    visual.patch_embed = Patches(visual.patch_embed.proj)  # pyright: ignore[reportAttributeAccessIssue]
    if torch.cuda.is_available():
        fit_gpu(model)
        return model.to("cuda")  # pyright: ignore[reportArgumentType]
    speed_up(model)
    return model


def fit_gpu(model: Qwen2_5_VLForConditionalGeneration, large: int = 1_000_000_000) -> None:
    """FlashAttention where it is installed and knows the precision; activations of large models computed twice.

    Args:
        large: parameters from which activations are computed again in the backward pass instead of being kept.
    """
    flash = is_flash_attn_2_available() and model.dtype in (torch.bfloat16, torch.float16)
    model.set_attn_implementation("flash_attention_2" if flash else "sdpa")
    if model.num_parameters() >= large:
        model.activation_checkpointing_enable()
