"""The synthesis stage: write the instances of one source, count them, reject with reasons."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError, FeasibilityError, nearest
from mmprolong.images.pages import PageImages
from mmprolong.models.backbone import count, find
from mmprolong.records import Block, Document, Instance, Reject, read_jsonl, write_jsonl
from mmprolong.runtime.run_log import RunLog
from mmprolong.settings.knobs import Source
from mmprolong.settings.stages import SynthesisSettings
from mmprolong.synthesis.stamps import write_stamped
from mmprolong.synthesis.template import write_template

WRITERS = ("stamps", "template")


def run(settings: SynthesisSettings, inputs: Mapping[str, Path], folder: Path, log: RunLog) -> dict[str, Any]:
    """Write `instances.jsonl` and `rejects.jsonl`.

    Raises:
        ConfigError: the writer is unknown.
        FeasibilityError: the split holds no document, or nothing could be written.
        Interrupted: the step was asked to stop.
    """
    documents = list(read_jsonl(inputs["corpus"] / "documents.jsonl", Document))
    chosen = [document for document in documents if document.split == settings.source.split]
    if not chosen:
        raise FeasibilityError(
            f"source.split: the pool's {len(documents)} documents hold none for {settings.source.split!r}; "
            "add documents, or change corpus.heldout"
        )
    rejects: list[Reject] = []
    tally = _Tally()
    asked = _documents(settings.source, len(chosen))
    written = tally.count(_kept(_write(settings, chosen, inputs["corpus"]), rejects, log, asked))
    total = write_jsonl(folder / "instances.jsonl", written)
    write_jsonl(folder / "rejects.jsonl", rejects)
    if total == 0:
        reasons = Counter(reject.reason for reject in rejects).most_common(3)
        raise FeasibilityError(f"synthesis: no instance of {', '.join(settings.source.tasks)}; rejected: {reasons}")
    return {**tally.metrics(), "rejects": dict(Counter(reject.reason for reject in rejects))}


def _write(settings: SynthesisSettings, documents: Sequence[Document], corpus: Path) -> Iterable[Instance | Reject]:
    backbone = find(settings.backbone)
    images = PageImages(corpus, settings.corpus)
    counter = partial(count, backbone, size_of=images.size)
    match settings.source.writer:
        case "stamps":
            return write_stamped(documents, settings.source, backbone.name, counter)
        case "template":
            return write_template(documents, _blocks(corpus), settings.source, counter, backbone.name)
        case other:
            raise ConfigError(f"source.writer: {other!r} is unknown; {nearest(other, WRITERS)}")


def _blocks(corpus: Path) -> dict[str, list[Block]]:
    blocks = read_jsonl(corpus / "blocks.jsonl", Block)
    return {document: list(group) for document, group in groupby(blocks, key=lambda block: block.document)}


def _documents(source: Source, pool: int) -> int:
    """How many documents are written on: composed ones, or at most all of the pool's."""
    asked = len(source.pages) * source.documents
    return asked if source.writer == "stamps" else min(asked or pool, pool)


def _kept(
    written: Iterable[Instance | Reject], rejects: list[Reject], log: RunLog, documents: int
) -> Iterator[Instance]:
    """The instances; what was refused goes into `rejects`. A document is done when the next one begins."""
    seen: set[str] = set()
    for item in written:
        log.stop_if_asked()
        log.progress(max(len(seen) - 1, 0), documents, "documents")
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            seen.add(item.document)
            yield item


class _Tally:
    """Instances, tokens and pages by task."""

    def __init__(self) -> None:
        self.by_task: dict[str, Counter[str]] = {}

    def count(self, instances: Iterable[Instance]) -> Iterator[Instance]:
        for instance in instances:
            row = self.by_task.setdefault(instance.task, Counter())
            row.update(instances=1, tokens=instance.tokens, supervised=instance.supervised, pages=instance.pages)
            yield instance

    def metrics(self) -> dict[str, Any]:
        total = sum(self.by_task.values(), Counter())
        return {**total, "tasks": {task: dict(row) for task, row in sorted(self.by_task.items())}}
