"""Questions from the text layer, without a language model; each over all pages of its document."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from mmprolong import plugins
from mmprolong.conversations import Message, Pages, Text
from mmprolong.records import Document, Example, Gold, Reject
from mmprolong.settings.knobs import Source
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import segments
from mmprolong.synthesis.tasks import TemplateTask
from mmprolong.synthesis.verify import find_flaw

_SEGMENTS, _TRIES = 6, 40
"""Segments, and questions on each, that are looked at before a document is given up for one more question."""


def write_template(parsed: ParsedDocument, length: str, source: Source) -> Iterator[Example | Reject]:
    """Yield up to `source.questions_per_task` examples of every task over one document, and the rejects."""
    document = parsed.document
    for name in source.tasks:
        task: TemplateTask = plugins.make("mmprolong.synthesis.tasks", name, "source.tasks")
        for number, question in enumerate(_questions(parsed, name, task, source)):
            if isinstance(question, Reject):
                yield question
            else:
                identifier = f"{document.key}-{source.seed}-{name}-{number}"
                yield example_of(identifier, name, question, document, length, f"template-{task.version}")


def chosen_documents(documents: Sequence[Document], source: Source) -> list[tuple[Document, str]]:
    """Return the documents whose length is asked for, and its name; `source.documents` of each, drawn by the seed."""
    if not source.lengths:
        return [(document, "") for document in documents]
    kept: dict[str, tuple[Document, str]] = {}
    for index, length in enumerate(source.lengths):
        shortest, longest = length.pages
        fitting = [document for document in documents if shortest <= document.pages <= longest]
        order = np.random.default_rng([source.seed, index]).permutation(len(fitting))
        chosen = order[: source.documents] if source.documents else order
        kept.update((fitting[place].key, (fitting[place], length.name)) for place in sorted(chosen))
    return list(kept.values())


def example_of(identifier: str, task: str, question: Question, document: Document, length: str, origin: str) -> Example:
    """Return the example that shows all pages of a document and asks one question."""
    source = f"pdf:{document.id}"
    pages = Pages(source, document.first_page, document.first_page + document.pages - 1)
    messages = (
        Message("user", (pages, Text(question.text))),
        Message("assistant", (Text(question.answer, learned=True),)),
    )
    return Example(
        id=identifier,
        task=task,
        cluster=document.cluster or document.id,
        sources=(source,),
        conversations={"answer": messages},
        gold=(Gold(question.answer, question.answer_format, question.evidence),),
        length=length,
        facts={
            "evidence": ", ".join(question.sources),
            "kind": question.kind,
            "document": document.source,
            "licence": document.licence,
            **({"published": document.origin} if document.origin else {}),
        },
        origin=origin,
    )


def _questions(parsed: ParsedDocument, name: str, task: TemplateTask, source: Source) -> Iterator[Question | Reject]:
    """Yield correct questions, each from a newly drawn segment and none twice; a reject for each that is not."""
    rng = np.random.default_rng([source.seed, parsed.document.number, *name.encode()])
    what = f"{parsed.document.source}: {name}"
    seen: set[str] = set()
    for found in range(source.questions_per_task):
        for question in _candidates(parsed, task, rng, seen):
            reason = find_flaw(question, parsed)
            if not reason:
                yield question
                break
            yield Reject(what=what, reason=reason, detail=question.text)
        else:
            yield Reject(what=what, reason="no more questions", detail=f"{found} of {source.questions_per_task}")
            return


def _candidates(
    parsed: ParsedDocument, task: TemplateTask, rng: np.random.Generator, seen: set[str]
) -> Iterator[Question]:
    """Yield unseen questions of a few segments, drawn in turn."""
    runs = segments(parsed)
    for index in rng.permutation(len(runs))[:_SEGMENTS]:
        for question in islice(task.questions(parsed, runs[int(index)], rng), _TRIES):
            if question.text not in seen:
                seen.add(question.text)
                yield question
