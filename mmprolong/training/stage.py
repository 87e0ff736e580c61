"""The training stage: one phase, from the weights of the phase before to the next."""

from typing import Any

from mmprolong import plugins
from mmprolong.errors import ConfigError
from mmprolong.images.sources import open_images
from mmprolong.models import weights
from mmprolong.models.backbone import find
from mmprolong.records import Pack
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import TrainingSettings
from mmprolong.store.jsonl import read_jsonl
from mmprolong.training.engines import EngineChoice
from mmprolong.training.loop import Loop
from mmprolong.training.objectives import Objective
from mmprolong.training.stream import Stream


def run(settings: TrainingSettings, work: Work) -> dict[str, Any]:
    """Write `model/` and `checkpoint.json`.

    Raises:
        ConfigError: it starts from several phases, which only a merge can.
        DataError: an example is not what was measured, or the gradient is not finite.
        Interrupted: the step was asked to stop; there is a snapshot of the last update.
    """
    import torch

    torch.set_num_threads(settings.training.threads)
    starts = work.named("checkpoint")
    if len(starts) > 1:
        raise ConfigError(f"phases: training starts from one phase, not from {', '.join(starts)}")
    start = next(iter(starts.values()), None)
    backbone = find(settings.model.backbone, settings.model.path)
    network = weights.load(backbone, settings.model, start)
    network.set_rope(settings.rope)
    images = open_images(settings.view, settings.corpus, work.inputs)
    packs = list(read_jsonl(work.inputs["mixture"] / "packs.jsonl", Pack))
    stream = Stream(
        packs=packs,
        sources=work.named("synthesis"),
        backbone=backbone,
        images=images,
        view=settings.view,
        tokens_per_update=settings.optimizer.tokens_per_update,
        capacity=settings.sequence_length,
    )
    objective: Objective = plugins.make("mmprolong.training.objectives", settings.objective, "objective")
    choice: EngineChoice = plugins.make("mmprolong.training.engines", settings.training.engine, "training.engine")
    engine = choice.start(network, settings.optimizer)
    snapshots = work.scratch / "snapshots"
    loop = Loop(engine, objective, stream, settings.optimizer, settings.model.native_context, snapshots, work.log)
    state = loop.run(settings.training.checkpoint_seconds)
    seen = weights.read_note(start).tokens if start else 0
    family = plugins.split(settings.model.backbone)[0]
    note = weights.describe(network, family, state["updates"], seen + state["tokens"])
    weights.save(engine, note, work.out)
    parameters = sum(each.numel() for part in network.parts().values() for each in part)
    return {**state, "parameters": parameters}
