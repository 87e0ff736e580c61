"""The synthesis stage: write the examples of one source; refuse with reasons."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from mmprolong.conversations import Image
from mmprolong.errors import ConfigError, FeasibilityError
from mmprolong.images.sources import open_images
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.requests import Chat
from mmprolong.records import Block, Document, Example, PageFacts, Reject, Selected
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.work import Work
from mmprolong.settings.knobs import Source, View
from mmprolong.settings.llm import Llm
from mmprolong.settings.stages import SynthesisSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import read_parquet
from mmprolong.synthesis.by_model import most_cost, write_by_model
from mmprolong.synthesis.examples import chosen_documents, shared
from mmprolong.synthesis.instructions import find_files, write_instructions
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.second_model import filtered
from mmprolong.synthesis.stamps import write_stamped
from mmprolong.synthesis.template import write_template

_FEWEST = 100
"""Documents of a part, where there are as many: a part reads the layout of the whole pool."""

Chosen = tuple[Document, Selected]
"""A document or a window of one, and the line of the selection that chose it."""


def parts(settings: SynthesisSettings, work: Work) -> int:
    """Return the number of parts: documents fall into them by their ids."""
    source = settings.source
    if source.writer == "instructions":
        return parts_of_step.part_count(len(find_files(settings.corpus.image_root, source.dataset)))
    composed = len(source.lengths) * source.documents
    return parts_of_step.part_count(composed or len(_selected(settings, work)), _FEWEST)


def run_part(settings: SynthesisSettings, work: Work, part: int) -> None:
    """Write the examples on the documents of one part.

    Raises:
        FeasibilityError: the split holds no document.
        Interrupted: the step was asked to stop.
    """
    documents = _selected(settings, work)
    if not documents and settings.source.writer != "instructions":
        raise FeasibilityError(
            f"source.split: the pool holds no document for {settings.source.split!r}; add documents, or change "
            "selection.heldout"
        )
    items = _WRITERS[settings.source.writer](settings, work, documents, part)
    if settings.filter:
        chat = _chat(settings, settings.filter, work)
        items = filtered(items, settings.filter, chat, work.store)
    parts_of_step.write_part(work, part, shared(items, settings.source.questions_per_example))


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


def _selected(settings: SynthesisSettings, work: Work) -> list[Chosen]:
    """Return the documents, and the windows of documents, of the split that is asked for."""
    chosen: defaultdict[str, list[Selected]] = defaultdict(list)
    for each in read_jsonl(work.inputs["selection"] / "selected.jsonl", Selected):
        if each.split == settings.source.split:
            chosen[each.document].append(each)
    documents = read_jsonl(work.inputs["corpus"] / "documents.jsonl", Document)
    return [(_window(document, each), each) for document in documents for each in chosen.get(document.id, ())]


def _window(document: Document, selected: Selected) -> Document:
    last = document.pages - 1 if selected.last_page < 0 else selected.last_page
    whole = (selected.first_page, last) == (0, document.pages - 1)
    return document if whole else document.window(selected.first_page, last)


def _write_stamped(
    settings: SynthesisSettings, work: Work, documents: Sequence[Chosen], part: int
) -> Iterator[Example]:
    source, count = settings.source, parts(settings, work)
    pool = [
        Image(f"pdf:{document.id}", document.first_page + page)
        for document, _ in documents
        for page in range(document.pages)
    ]
    for index in range(len(source.lengths)):
        for number in range(source.documents):
            if parts_of_step.part_of(f"{index}-{number}", count) == part:
                yield from write_stamped(source, pool, index, number)


def _write_template(
    settings: SynthesisSettings, work: Work, documents: Sequence[Chosen], part: int
) -> Iterator[Example | Reject]:
    for parsed, length in _parsed_documents(settings, work, documents, part):
        yield from write_template(parsed, length, settings.source)


def _write_by_model(
    settings: SynthesisSettings, work: Work, documents: Sequence[Chosen], part: int
) -> Iterator[Example | Reject]:
    if settings.llm is None:
        raise ConfigError("source.llm: empty; name the model among `llms` that writes")
    chat = _chat(settings, settings.llm, work)
    parsed = _parsed_documents(settings, work, documents, part)
    cost = most_cost(parsed, settings.source, settings.llm, chat, work.store)
    work.log.metrics({"part": part, **{f"{name} at most": value for name, value in cost._asdict().items()}}, part)
    parsed = _parsed_documents(settings, work, documents, part)
    yield from write_by_model(parsed, settings.source, settings.llm, chat, work.store)


def _write_instructions(
    settings: SynthesisSettings, work: Work, documents: Sequence[Chosen], part: int
) -> Iterator[Example | Reject]:
    root, count = Path(settings.corpus.image_root).expanduser(), parts(settings, work)
    files = find_files(settings.corpus.image_root, settings.source.dataset)
    for path in parts_of_step.in_part(files, lambda path: path.relative_to(root).as_posix(), part, count):
        yield from write_instructions(path, root, settings.source)


_WRITERS = {
    "stamps": _write_stamped,
    "template": _write_template,
    "llm": _write_by_model,
    "instructions": _write_instructions,
}


def _chat(settings: SynthesisSettings, llm: Llm, work: Work) -> Chat:
    images = open_images(View(dpi=llm.dpi), settings.corpus, work.inputs)
    return OpenAIChat(llm, images.pixels, view=f"{llm.dpi} dpi")


def _parsed_documents(
    settings: SynthesisSettings, work: Work, documents: Sequence[Chosen], part: int
) -> Iterator[tuple[ParsedDocument, str]]:
    """Yield the documents of one part, read, and the names of their lengths."""
    count = parts(settings, work)
    selected = {document.key: each for document, each in documents}
    chosen: defaultdict[str, list[tuple[Document, str]]] = defaultdict(list)
    for document, length in chosen_documents([document for document, _ in documents], settings.source):
        if parts_of_step.part_of(document.id, count) == part:
            chosen[document.id].append((document, length))
    printed = settings.source.page_numbers == "printed"
    skipped = _skipped(settings.source, work.inputs["corpus"], chosen)
    for identifier, blocks in _layouts(work.inputs["corpus"], chosen):
        for document, length in chosen[identifier]:
            each, first = selected[document.key], document.first_page
            inside = range(first, first + document.pages)
            moved = [block.moved(first) for block in blocks if block.page in inside]
            left_out = frozenset(page - first for page in {*each.skipped, *skipped[identifier]} if page in inside)
            yield ParsedDocument(document, moved, printed, each.cluster, left_out), length


def _skipped(source: Source, corpus: Path, wanted: Collection[str]) -> Mapping[str, list[int]]:
    """Return the pages of the wanted documents that the source asks nothing about."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for fact in read_parquet(corpus / "pages.parquet", PageFacts) if source.skip else ():
        if fact.document in wanted and {fact.role, fact.shows} & set(source.skip):
            found[fact.document].append(fact.page)
    return found


def _layouts(corpus: Path, wanted: Mapping[str, Any]) -> Iterator[tuple[str, list[Block]]]:
    """Yield the layout of each wanted document, one in memory at a time; blank documents have none."""
    left = set(wanted)
    for identifier, group in groupby(read_jsonl(corpus / "blocks.jsonl", Block), key=lambda block: block.document):
        if identifier in left:
            left.remove(identifier)
            yield identifier, list(group)
    yield from ((identifier, []) for identifier in wanted if identifier in left)
