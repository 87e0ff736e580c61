"""Weights on disk: a Hugging Face folder, safetensors only, and a note of what the rotary frequencies are."""

from pathlib import Path

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from mmprolong.artifacts import read_json, write_json
from mmprolong.errors import DataError
from mmprolong.qwen.attention import speed_up
from mmprolong.qwen.rope import rope_base, rope_fingerprint
from mmprolong.records import Checkpoint

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
    if not torch.cuda.is_available():
        speed_up(model)
    return model
