"""The reply stage: one model answers every question of a benchmark."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.errors import DataError, RequestFailed
from mmprolong.evaluation.checkpoint_match import require_match
from mmprolong.evaluation.engines import ReplyBackend, ReplyBatch, ReplyEngine, Subject
from mmprolong.evaluation.partial_replies import PartialReplies
from mmprolong.evaluation.prompt_order import ordered
from mmprolong.images.sources import open_images
from mmprolong.records import Reject, Reply, Sample
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.run_log import Interrupted
from mmprolong.runtime.work import Work
from mmprolong.settings.stages import ReplySettings
from mmprolong.store.atomic import read_json, write_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.store import SECONDS

_FEWEST = 2000
"""Questions of a part, where there are as many: equally long documents are read together."""
_FACTS = "engine-{:03d}.json"


def parts(settings: ReplySettings, work: Work) -> int:
    """Return the number of parts: documents fall into them, with all their questions."""
    return _part_count(work.inputs)


def run_part(settings: ReplySettings, work: Work, part: int) -> None:
    """Answer the questions of one part; batches of an earlier attempt are not computed again.

    Raises:
        ConfigError: the checkpoint was trained otherwise than the suite asks.
        DataError: a server gave no answer to some questions, all others are kept.
        Interrupted: the step was asked to stop; finished batches are kept.
    """
    if parts_of_step.is_written(work, part):
        return
    require_match(settings, work.inputs.get("checkpoint"))
    samples = _samples_of(settings, work.inputs, part)
    partial = PartialReplies(work.scratch / f"replies-{part:03d}.jsonl")
    with closing(_engine(settings, work.inputs, work.store)) as engine:
        batches = list(engine.batches(samples))
        refused = [each for each in batches if isinstance(each, Reject)]
        asked = [each for each in batches if not isinstance(each, Reject)]
        refused += _answer(engine, asked, partial, work)
        cached = sum(each.cached for batch in asked for each in batch.asked)
        write_json(work.scratch / _FACTS.format(part), {"facts": engine.facts(), "cached": cached})
    replies = [partial.replies[sample.id] for sample in samples if sample.id in partial.replies]
    parts_of_step.write_part(work, part, [*replies, *refused])


def join(settings: ReplySettings, work: Work) -> dict[str, Any]:
    """Write replies.jsonl, in the order of the questions, and rejects.jsonl; return counts and facts of the engine.

    What a reply took goes to seconds.jsonl, which is no result: two runs of one step have equal results.
    """
    count = parts(settings, work)
    replies = {reply.sample: reply for reply in parts_of_step.results(work, count, Reply)}
    rejects = list(parts_of_step.rejects(work, count))
    ordered = [replies[sample.id] for sample in _samples(work.inputs) if sample.id in replies]
    write_jsonl(work.out / "replies.jsonl", (replace(each, seconds=0.0) for each in ordered))
    write_jsonl(work.out / SECONDS, ({"sample": each.sample, "seconds": each.seconds} for each in ordered))
    write_jsonl(work.out / "rejects.jsonl", rejects)
    notes = [read_json(work.scratch / _FACTS.format(part)) for part in range(count)]
    facts = {name: ", ".join(sorted({note["facts"][name] for note in notes})) for name in notes[0]["facts"]}
    return {
        "n": len(ordered),
        "cut": sum(each.cut for each in ordered),
        "rejects": len(rejects),
        "prompt_tokens": sum(each.prompt_tokens for each in ordered),
        "cached_tokens": sum(each.cached_tokens for each in ordered),
        "planned_cached_tokens": sum(note["cached"] for note in notes),
        **facts,
    }


def planned(settings: ReplySettings, inputs: Mapping[str, Path]) -> Iterator[ReplyBatch | Reject]:
    """Yield all batches that a reply step will answer, and the refused samples; no model is loaded.

    Args:
        inputs: folders of the finished inputs; the checkpoint is not needed.
    """
    for part in range(_part_count(inputs)):
        yield from _engine(settings, inputs).batches(_samples_of(settings, inputs, part))


def _engine(settings: ReplySettings, inputs: Mapping[str, Path], store: Path = Path("store")) -> ReplyEngine:
    data_root = Path(settings.data_root).expanduser() if settings.data_root else None
    images = open_images(settings.view, settings.corpus, inputs, data_root)
    subject = Subject(
        model=settings.model,
        checkpoint=inputs.get("checkpoint"),
        endpoint=settings.endpoint,
        rope=settings.rope,
        differs=settings.differs,
        store=store,
        threads=settings.training.threads,
    )
    backend: ReplyBackend = plugins.make("mmprolong.evaluation.engines", settings.engine, "suite.engine")
    return backend.start(subject, images, settings.view, settings.new_tokens)


def _part_count(inputs: Mapping[str, Path]) -> int:
    return parts_of_step.part_count(sum(1 for _ in _samples(inputs)), _FEWEST)


def _samples_of(settings: ReplySettings, inputs: Mapping[str, Path], part: int) -> list[Sample]:
    """Return the samples of a part, their prompts in the order that is asked for."""
    count = _part_count(inputs)
    chosen = parts_of_step.in_part(_samples(inputs), lambda sample: sample.cluster, part, count)
    order = settings.prompt_order
    return [msgspec.structs.replace(each, prompt=ordered(each.prompt, order)) for each in chosen]


def _samples(inputs: Mapping[str, Path]) -> Iterator[Sample]:
    return read_jsonl(inputs["samples"] / "samples.jsonl", Sample)


def _answer(engine: ReplyEngine, batches: list[ReplyBatch], partial: PartialReplies, work: Work) -> list[Reject]:
    """Answer batch by batch; return the samples that a server refuses.

    Raises:
        DataError: some have no reply, and might get one when asked again.
    """
    total = sum(len(batch.asked) for batch in batches)
    work.log.progress(len(partial.replies), total, "replies")
    refused: list[Reject] = []
    failed: list[str] = []
    for batch in batches:
        if partial.has(each.sample.id for each in batch.asked):
            continue
        if work.log.stopping():
            raise Interrupted
        started = time.monotonic()
        results = engine.answer(batch)
        share = (time.monotonic() - started) / len(batch.asked)
        partial.add([replace(each, seconds=share) for each in results if isinstance(each, Reply)])
        for asked, each in zip(batch.asked, results, strict=True):
            if isinstance(each, RequestFailed) and each.again:
                failed.append(f"{asked.sample.id}: {each}")
            elif isinstance(each, RequestFailed):
                refused.append(Reject(what=asked.sample.id, reason=each.reason, detail=each.detail))
        work.log.progress(len(partial.replies), total, "replies")
    if failed:
        raise DataError(f"{len(failed)} of {total} questions have no reply, the first: {failed[0]}; run again")
    return refused
