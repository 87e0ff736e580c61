"""The synthesis stage: write the examples of one source; refuse with reasons."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from mmprolong.errors import ConfigError, FeasibilityError
from mmprolong.images.documents import Block, Document, PageFacts, Selected
from mmprolong.images.sources import open_images
from mmprolong.llm.chat.openai import OpenAIChat
from mmprolong.llm.requests import Chat
from mmprolong.records import Example, Reject
from mmprolong.runtime import parts as parts_of_step
from mmprolong.runtime.work import Work
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import View
from mmprolong.settings.llm import Llm
from mmprolong.settings.stages import SynthesisSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.lines_by_key import LinesByKey
from mmprolong.store.parquet import read_parquet
from mmprolong.store.parquet_by_key import ParquetByKey
from mmprolong.synthesis.by_model import most_cost, write_by_model
from mmprolong.synthesis.examples import chosen_lengths, shared
from mmprolong.synthesis.instructions import find_files, write_instructions
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.second_model import filtered
from mmprolong.synthesis.stamps import RUNS, PagePool, write_stamped
from mmprolong.synthesis.template import write_template

_FEWEST = 100
"""Documents of a part, where there are as many."""


def parts(settings: SynthesisSettings, work: Work) -> int:
    """Return the number of parts: documents fall into them by their ids."""
    source = settings.source
    if source.writer == "instructions":
        return parts_of_step.part_count(len(find_files(settings.corpus.image_root, source.dataset)))
    composed = len(source.lengths) * source.documents
    return parts_of_step.part_count(composed or len(_runs(settings, work)), _FEWEST)


def run_part(settings: SynthesisSettings, work: Work, part: int) -> None:
    """Write the examples on the documents of one part.

    Raises:
        FeasibilityError: the split holds no document.
        Interrupted: the step was asked to stop.
    """
    if settings.source.writer != "instructions" and not len(_runs(settings, work)):
        raise FeasibilityError(
            f"source.split: the pool holds no document for {settings.source.split!r}; add documents, or change "
            "selection.heldout"
        )
    items = _WRITERS[settings.source.writer](settings, work, part)
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
    reasons: Counter[str] = Counter()

    def refused() -> Iterator[Reject]:
        for reject in parts_of_step.rejects(work, count):
            reasons[reject.reason] += 1
            yield reject

    write_jsonl(work.out / "rejects.jsonl", refused())
    if total == 0:
        asked = ", ".join(settings.source.tasks)
        raise FeasibilityError(f"synthesis: no example of {asked}; rejected: {reasons.most_common(3)}")
    return {"examples": total, "tasks": dict(sorted(by_task.items())), "rejects": dict(reasons)}


def _selection(work: Work) -> Path:
    return work.inputs["selection"] / "selected.jsonl"


def _selected(settings: SynthesisSettings, work: Work) -> Iterator[Selected]:
    """Yield the documents, and the windows of documents, of the split that is asked for."""
    rows = read_jsonl(_selection(work), Selected)
    return (each for each in rows if each.split == settings.source.split)


def _runs(settings: SynthesisSettings, work: Work) -> np.ndarray:
    """Return document, first page and number of pages of what is selected, read once for all parts."""
    status = _selection(work).stat()
    return _runs_in(
        _selection(work), work.inputs["corpus"], settings.source.split, (status.st_size, status.st_mtime_ns)
    )


@lru_cache(1)
def _runs_in(file: Path, corpus: Path, split: str, _: tuple[int, int]) -> np.ndarray:
    documents = LinesByKey(corpus / "documents.jsonl", Document)

    def run_of(each: Selected) -> tuple[bytes, int, int]:
        end = each.last_page + 1 or documents.lines(each.document)[0].pages
        return each.document.encode(), each.first_page, end - each.first_page

    rows = (run_of(each) for each in read_jsonl(file, Selected) if each.split == split)
    return np.fromiter(rows, RUNS)


def _window(document: Document, selected: Selected) -> Document:
    last = document.pages - 1 if selected.last_page < 0 else selected.last_page
    whole = (selected.first_page, last) == (0, document.pages - 1)
    return document if whole else document.window(selected.first_page, last)


def _write_stamped(settings: SynthesisSettings, work: Work, part: int) -> Iterator[Example]:
    source, count = settings.source, parts(settings, work)
    pool = PagePool(_runs(settings, work))
    for index in range(len(source.lengths)):
        for number in range(source.documents):
            if parts_of_step.part_of(f"{index}-{number}", count) == part:
                yield from write_stamped(source, pool, index, number)


def _write_template(settings: SynthesisSettings, work: Work, part: int) -> Iterator[Example | Reject]:
    for parsed, length in _parsed_documents(settings, work, part):
        yield from write_template(parsed, length, settings.source)


def _write_by_model(settings: SynthesisSettings, work: Work, part: int) -> Iterator[Example | Reject]:
    if settings.llm is None:
        raise ConfigError("source.llm: empty; name the model among `llms` that writes")
    chat = _chat(settings, settings.llm, work)
    parsed = _parsed_documents(settings, work, part)
    cost = most_cost(parsed, settings.source, settings.llm, chat, work.store)
    work.log.metrics({"part": part, **{f"{name} at most": value for name, value in cost._asdict().items()}}, part)
    parsed = _parsed_documents(settings, work, part)
    yield from write_by_model(parsed, settings.source, settings.llm, chat, work.store)


def _write_instructions(settings: SynthesisSettings, work: Work, part: int) -> Iterator[Example | Reject]:
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


def _parsed_documents(settings: SynthesisSettings, work: Work, part: int) -> Iterator[tuple[ParsedDocument, str]]:
    """Yield the documents of one part, read, and the names of their lengths; one is in memory at a time."""
    source, count = settings.source, parts(settings, work)
    documents = LinesByKey(work.inputs["corpus"] / "documents.jsonl", Document)
    layouts = ParquetByKey(work.inputs["corpus"] / "blocks", Block)
    unasked = _unasked(source, work.inputs["corpus"])
    chosen = chosen_lengths(_runs(settings, work)["pages"], source) if source.lengths else None
    names = [length.name for length in source.lengths]
    held, whole, blocks, left_out = "", None, list[Block](), list[int]()
    for place, each in enumerate(_selected(settings, work)):
        if parts_of_step.part_of(each.document, count) != part or (chosen is not None and chosen[place] < 0):
            continue
        if whole is None or held != each.document:  # windows of one document follow each other
            held, whole, blocks = each.document, documents.lines(each.document)[0], layouts.records(each.document)
            left_out = unasked(each.document)
        document, first = _window(whole, each), each.first_page
        inside = range(first, first + document.pages)
        moved = [block.moved(first) for block in blocks if block.page in inside]
        skipped = frozenset(page - first for page in {*each.skipped, *left_out} if page in inside)
        goes_on = first + document.pages < whole.pages
        printed = source.page_numbers == "printed"
        parsed = ParsedDocument(document, moved, printed, each.cluster, skipped, goes_on=goes_on)
        yield parsed, "" if chosen is None else names[chosen[place]]


def _unasked(source: Source, corpus: Path) -> Callable[[str], list[int]]:
    """Return what tells the pages of a document that the source asks nothing about.

    Documents must be asked for in their order in the corpus: the facts of their pages are read once.
    """
    facts = read_parquet(corpus / "pages.parquet", PageFacts) if source.skip else iter(())
    documents = groupby(facts, key=lambda fact: fact.document)

    def pages_of(document: str) -> list[int]:
        found = next((pages for name, pages in documents if name == document), ())
        return [fact.page for fact in found if {fact.role, fact.shows} & set(source.skip)]

    return pages_of
