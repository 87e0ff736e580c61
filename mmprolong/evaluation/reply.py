"""The reply stage: one model answers every question of a benchmark."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmprolong import plugins
from mmprolong.evaluation.engines import ReplyBackend, ReplyEngine
from mmprolong.evaluation.partial_replies import PartialReplies
from mmprolong.images.sources import open_images
from mmprolong.models import weights
from mmprolong.models.backbone import find
from mmprolong.records import Reject, Reply, Sample
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import ReplySettings
from mmprolong.store.atomic import write_file
from mmprolong.store.jsonl import read_jsonl, write_jsonl

if TYPE_CHECKING:
    from mmprolong.models.network import Network

_FEWEST = 2000
"""Questions of a part, where there are as many: equally long documents are read together."""


def parts(settings: ReplySettings, work: Work) -> int:
    """Return the number of parts: documents fall into them, with all their questions."""
    return parts_of_step.part_count(sum(1 for _ in _samples(work)), _FEWEST)


def run_part(settings: ReplySettings, work: Work, part: int) -> None:
    """Answer the questions of one part; batches of an earlier attempt are not computed again.

    Raises:
        Interrupted: the step was asked to stop; finished batches are kept.
    """
    if parts_of_step.is_written(work, part):
        return
    samples = parts_of_step.in_part(_samples(work), lambda sample: sample.cluster, part, parts(settings, work))
    partial = PartialReplies(work.scratch / f"replies-{part:03d}.jsonl")
    network, engine = _start(settings, work)
    write_file(work.scratch / f"attention-{part:03d}.txt", network.attention)
    rejects = list(_answer(engine, samples, partial, work))
    replies = [partial.replies[sample.id] for sample in samples if sample.id in partial.replies]
    parts_of_step.write_part(work, part, [*replies, *rejects])


def join(settings: ReplySettings, work: Work) -> dict[str, Any]:
    """Write replies.jsonl, in the order of the questions, and rejects.jsonl; return counts and attention kernels."""
    count = parts(settings, work)
    replies = {reply.sample: reply for reply in parts_of_step.results(work, count, Reply)}
    rejects = parts_of_step.rejects(work, count)
    ordered = [replies[sample.id] for sample in _samples(work) if sample.id in replies]
    write_jsonl(work.out / "replies.jsonl", ordered)
    write_jsonl(work.out / "rejects.jsonl", rejects)
    kernels = {file.read_text() for file in work.scratch.glob("attention-*.txt")}
    cut = sum(each.cut for each in ordered)
    return {"n": len(ordered), "cut": cut, "rejects": len(rejects), "attention": ", ".join(sorted(kernels))}


def _samples(work: Work) -> Iterator[Sample]:
    return read_jsonl(work.inputs["samples"] / "samples.jsonl", Sample)


def _start(settings: ReplySettings, work: Work) -> tuple["Network", ReplyEngine]:
    import torch

    torch.set_num_threads(settings.training.threads)
    backbone = find(settings.model.backbone, settings.model.path)
    data_root = Path(settings.data_root).expanduser() if settings.data_root else None
    images = open_images(settings.view, settings.corpus, work.inputs, data_root)
    network = weights.load(backbone, settings.model, work.inputs.get("checkpoint"))
    backend: ReplyBackend = plugins.make("mmprolong.evaluation.engines", settings.engine, "suite.engine")
    return network, backend.start(network, backbone, images, settings.view, settings.new_tokens)


def _answer(engine: ReplyEngine, samples: list[Sample], partial: PartialReplies, work: Work) -> Iterator[Reject]:
    """Answer batch by batch; yields the refused samples."""
    work.log.progress(len(partial.replies), len(samples), "replies")
    for batch in engine.batches(samples):
        if isinstance(batch, Reject):
            yield batch
            continue
        if partial.has(batch.samples):
            continue
        if work.log.stopping():
            raise Interrupted
        partial.add(engine.answer(batch))
        work.log.progress(len(partial.replies), len(samples), "replies")
