"""The synthesis stage: write the examples of one source; refuse with reasons."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, FeasibilityError
from mmprolong.images.sources import open_images
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.records import Block, Document, Example, Reject, Selected
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import View
from mmprolong.settings.stages import SynthesisSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.synthesis.by_model import write_by_model
from mmprolong.synthesis.parsed_document import ParsedDocument, blocks_within
from mmprolong.synthesis.stamps import write_stamped
from mmprolong.synthesis.template import chosen_documents, write_template

_FEWEST = 100
"""Documents of a part, where there are as many: a part reads the layout of the whole pool."""


def parts(settings: SynthesisSettings, work: Work) -> int:
    """Return the number of parts: documents fall into them by their ids."""
    source = settings.source
    composed = len(source.lengths) * source.documents
    return parts_of_step.part_count(composed or len(_selected(settings, work)), _FEWEST)


def run_part(settings: SynthesisSettings, work: Work, part: int) -> None:
    """Write the examples on the documents of one part.

    Raises:
        FeasibilityError: the split holds no document.
        Interrupted: the step was asked to stop.
    """
    documents = _selected(settings, work)
    if not documents:
        raise FeasibilityError(
            f"source.split: the pool holds no document for {settings.source.split!r}; add documents, or change "
            "selection.heldout"
        )
    writers = {"stamps": _write_stamped, "template": _write_template, "llm": _write_by_model}
    write = writers[settings.source.writer]
    parts_of_step.write_part(work, part, write(settings, work, documents, part))


def join(settings: SynthesisSettings, work: Work) -> dict[str, Any]:
    """Write examples.jsonl and rejects.jsonl; returns the counts.

    Raises:
        FeasibilityError: nothing could be written.
    """
    count = parts(settings, work)
    by_task: Counter[str] = Counter()

    def counted() -> Iterator[Example]:
        for example in parts_of_step.results(work, count, Example):
            by_task[example.task] += 1
            yield example

    total = write_jsonl(work.out / "examples.jsonl", counted())
    rejects = parts_of_step.rejects(work, count)
    write_jsonl(work.out / "rejects.jsonl", rejects)
    reasons = Counter(reject.reason for reject in rejects)
    if total == 0:
        asked = ", ".join(settings.source.tasks)
        raise FeasibilityError(f"synthesis: no example of {asked}; rejected: {reasons.most_common(3)}")
    return {"examples": total, "tasks": dict(sorted(by_task.items())), "rejects": dict(reasons)}


def _selected(settings: SynthesisSettings, work: Work) -> list[Document]:
    chosen: dict[str, list[Selected]] = {}
    for each in read_jsonl(work.inputs["selection"] / "selected.jsonl", Selected):
        if each.split == settings.source.split:
            chosen.setdefault(each.document, []).append(each)
    documents = read_jsonl(work.inputs["corpus"] / "documents.jsonl", Document)
    return [_window(document, each) for document in documents for each in chosen.get(document.id, ())]


def _window(document: Document, selected: Selected) -> Document:
    last = selected.last_page if selected.last_page >= 0 else document.pages - 1
    shown = document.window(selected.first_page, last)
    return replace(shown, cluster=selected.cluster or document.id, skipped=selected.skipped)


def _write_stamped(
    settings: SynthesisSettings, work: Work, documents: Sequence[Document], part: int
) -> Iterator[Example]:
    source, count = settings.source, parts(settings, work)
    pool = [
        Image(f"pdf:{document.id}", document.first_page + page)
        for document in documents
        for page in range(document.pages)
    ]
    for index in range(len(source.lengths)):
        for number in range(source.documents):
            if parts_of_step.part_of(f"{index}-{number}", count) == part:
                yield from write_stamped(source, pool, index, number)


def _write_template(
    settings: SynthesisSettings, work: Work, documents: Sequence[Document], part: int
) -> Iterator[Example | Reject]:
    for parsed, length in _parsed_documents(settings, work, documents, part):
        yield from write_template(parsed, length, settings.source)


def _write_by_model(
    settings: SynthesisSettings, work: Work, documents: Sequence[Document], part: int
) -> Iterator[Example | Reject]:
    if settings.llm is None:
        raise ConfigError("source.llm: empty; name the model among `llms` that writes")
    images = open_images(View(dpi=settings.llm.dpi), settings.corpus, work.inputs)
    chat = OpenAIChat(settings.llm, images.pixels, view=f"{settings.llm.dpi} dpi")
    parsed_documents = _parsed_documents(settings, work, documents, part)
    yield from write_by_model(parsed_documents, settings.source, settings.llm, chat, work.store)


def _parsed_documents(
    settings: SynthesisSettings, work: Work, documents: Sequence[Document], part: int
) -> Iterator[tuple[ParsedDocument, str]]:
    """Yield the documents of one part, read, and the names of their lengths."""
    count = parts(settings, work)
    chosen: dict[str, list[tuple[Document, str]]] = {}
    for document, length in chosen_documents(documents, settings.source):
        if parts_of_step.part_of(document.id, count) == part:
            chosen.setdefault(document.id, []).append((document, length))
    for identifier, blocks in _layouts(work.inputs["corpus"], chosen):
        for document, length in chosen[identifier]:
            yield ParsedDocument(document, blocks_within(document, blocks)), length


def _layouts(corpus: Path, wanted: Mapping[str, Any]) -> Iterator[tuple[str, list[Block]]]:
    """Yield the layout of each wanted document, one in memory at a time; blank documents have none."""
    left = set(wanted)
    for identifier, group in groupby(read_jsonl(corpus / "blocks.jsonl", Block), key=lambda block: block.document):
        if identifier in left:
            left.remove(identifier)
            yield identifier, list(group)
    yield from ((identifier, []) for identifier in wanted if identifier in left)
