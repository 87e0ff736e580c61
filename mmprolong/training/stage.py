"""The training stage: one phase, from the weights of the phase before to the next."""

import math
import socket
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.conversations import image_count
from mmprolong.errors import ConfigError
from mmprolong.images.sources import open_images
from mmprolong.images.undrawn import WhiteIfUndrawn, undrawn_in
from mmprolong.models import weights
from mmprolong.models.backbone import find
from mmprolong.models.flops import packed_model_flops
from mmprolong.models.network import Network
from mmprolong.models.shapes import shape_of
from mmprolong.plugins import identity_of
from mmprolong.records import Example, Pack
from mmprolong.runtime.failures import Failure, write_failure
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import TrainingSettings
from mmprolong.store.atomic import write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.training.engines import EngineChoice
from mmprolong.training.layout import Layout
from mmprolong.training.loop import Loop
from mmprolong.training.objectives import Objective
from mmprolong.training.profile import traced
from mmprolong.training.stream import Encoder, StoredExamples, Stream
from mmprolong.training.watchdog import Watchdog

_UNDRAWN = "undrawn"
"""Folder in the scratch with a note of each page that cannot be drawn."""


def run(settings: TrainingSettings, work: Work) -> dict[str, Any]:
    """Write `model/`, `checkpoint.json`, and, if any, `skipped.json` (updates), `undrawn.jsonl` (white pages).

    Raises:
        ConfigError: it starts from several phases, which only a merge can; the engine cannot use its processes; or
            there are fewer GPUs than its job has.
        DataError: an example is not what was measured, or the gradient is not finite.
        Interrupted: the step was asked to stop; there is a snapshot of the last update.
    """
    import torch

    torch.set_num_threads(settings.training.threads)
    starts = work.named("checkpoint")
    if len(starts) > 1:
        raise ConfigError(f"phases: training starts from one phase, not from {', '.join(starts)}")
    start = next(iter(starts.values()), None)
    _refuse_missing_gpus(settings.gpus)
    choice: EngineChoice = plugins.make("mmprolong.training.engines", settings.training.engine, "training.engine")
    layout = choice.join(work.world)
    sign = work.scratch / "signs" / (work.world.start or "alone") / f"rank {layout.rank}"
    watchdog = Watchdog(settings.training.hang_seconds, partial(_report, work), sign)
    network = weights.load(find(settings.model.backbone, settings.model.path), settings.model, start)
    network.set_rope(settings.rope)
    stream = _stream(settings, work, layout)
    trace = work.store / "profiles" / f"{work.out.name}-rank-{layout.rank}.json"
    objective: Objective = plugins.make("mmprolong.training.objectives", settings.objective, "objective")
    engine = choice.start(network, settings.optimizer, layout)
    with traced(settings.training.profile, trace) as after_update, closing(stream):
        loop = Loop(
            engine,
            objective,
            stream,
            settings.optimizer,
            settings.model.native_context,
            work.scratch / "snapshots",
            work.log,
            layout,
            watchdog,
            keep=settings.training.checkpoints,
            limit=settings.training.checkpoint_gb * 1e9 or math.inf,
            peak=layout.size * settings.training.peak * 1e12,
            after_update=after_update,
        )
        state = loop.run(settings.training.checkpoint_seconds)
    watchdog.close()
    engine.export(work.out / weights.FOLDER)
    undrawn = undrawn_in(work.scratch / _UNDRAWN)
    if layout.rank == 0:
        _describe(settings, network, start, state, work.out)
        if undrawn:
            write_jsonl(work.out / "undrawn.jsonl", undrawn)
    layout.leave()
    parameters = sum(each.numel() for part in network.parts().values() for each in part)
    return {
        **{name: state[name] for name in ("updates", "tokens")},
        "skipped": len(state["skipped"]),
        "undrawn pages": len(undrawn),
        "parameters": parameters,
        "attention": network.attention,
    }


def _refuse_missing_gpus(wanted: int) -> None:
    import torch

    if torch.cuda.device_count() < wanted:
        found = f"torch {torch.__version__} finds {torch.cuda.device_count()} on {socket.gethostname()}"
        raise ConfigError(f"cluster.jobs.training.gpus: {wanted}, but {found}; install a torch for CUDA or set it to 0")


def _stream(settings: TrainingSettings, work: Work, layout: Layout) -> Stream:
    packs = list(read_jsonl(work.inputs["mixture"] / "packs.jsonl", Pack))
    examples, shape = StoredExamples(packs, work.named("synthesis")), shape_of(settings.model)
    encoder = Encoder(
        examples=examples,
        backbone=find(settings.model.backbone, settings.model.path),
        open_images=partial(_open_images, settings, work.inputs, work.scratch / _UNDRAWN),
        view=settings.view,
        shard=layout.shard,
    )
    return Stream(
        packs,
        encoder,
        tokens_per_update=settings.optimizer.tokens_per_update,
        capacity=settings.sequence_length,
        layout=layout,
        cost=lambda pack: packed_model_flops(shape, pack, {name: _images(examples[name]) for name in pack.examples}),
        workers=settings.training.workers,
    )


def _open_images(settings: TrainingSettings, inputs: Mapping[str, Path], undrawn: Path) -> WhiteIfUndrawn:
    return WhiteIfUndrawn(open_images(settings.view, settings.corpus, inputs), undrawn)


def _images(example: Example) -> int:
    return image_count(example.conversations["answer"])


def _describe(
    settings: TrainingSettings, network: Network, start: Path | None, state: dict[str, Any], out: Path
) -> None:
    seen = weights.read_note(start).tokens if start else 0
    family = plugins.split(settings.model.backbone)[0]
    view, tokens = identity_of(settings.view), seen + state["tokens"]
    write_json(out / weights.NOTE, weights.describe(network, family, state["updates"], tokens, view))
    if state["skipped"]:
        write_json(out / "skipped.json", state["skipped"])


def _report(work: Work, says: str) -> None:
    """Note why the step ends, unless another process was first."""
    ranks = f"rank {work.world.rank} of {work.world.size}: " if work.world.size > 1 else ""
    write_failure(work.out, Failure("hung", ranks + says), "")
