"""The training stage: one phase from the checkpoint of the one before to the next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mmprolong import plugins
from mmprolong.images.pages import PageImages
from mmprolong.models.backbone import Backbone, find
from mmprolong.models.qwen_vl import weights
from mmprolong.models.rope import rope_fingerprint, set_rope_base
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.stages import TrainingSettings
from mmprolong.training.loop import Loop
from mmprolong.training.stream import Stream


def run(settings: TrainingSettings, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write `model/` and `checkpoint.json`.

    Raises:
        DataError: an instance is not what was counted, or the gradient is not finite.
    """
    torch.set_num_threads(settings.training.threads)
    backbone = find(settings.model.backbone)
    model, seen = _begin(settings, backbone, inputs)
    if settings.rope.factor:
        set_rope_base(model, backbone.rope_base * settings.rope.factor)
    rope_fingerprint(model)
    images = PageImages(inputs["corpus"], settings.corpus)
    sources = [inputs[role] for role in ("source", "short") if role in inputs]
    stream = Stream(inputs["mixture"], sources, backbone, images, settings.optimizer.batch, settings.pack)
    objective = plugins.load("mmprolong.training.objectives", settings.objective, "objective")
    loop = Loop(model, objective.loss, stream, settings.optimizer, settings.model.window, folder, log)
    state = loop.run(settings.training.checkpoint_seconds)
    weights.save(model, folder, backbone.name, state["updates"], seen + state["tokens"])
    return {**state, "parameters": sum(parameter.numel() for parameter in model.parameters())}


def _begin(settings: TrainingSettings, backbone: Backbone, inputs: Mapping[str, Path]) -> tuple[Any, int]:
    if "checkpoint" in inputs:
        model, note = weights.resume(inputs["checkpoint"], settings.model.dtype)
        return model, note.tokens
    return backbone.build(settings.model), 0
