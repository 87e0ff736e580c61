"""The template writer: questions from the text layer, without a language model; each over all pages of its document."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import ModuleType

import numpy as np

from mmprolong.plugins import load
from mmprolong.records import Block, Document, Image, Instance, Message, Reject
from mmprolong.settings.knobs import Source
from mmprolong.synthesis.material import Material
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.segments import segments
from mmprolong.synthesis.verify import flaw

ORIGIN = "template-1"
_SEGMENTS, _TRIES = 6, 40
"""Segments, and questions on each, that are looked at before a document is given up for one more question."""

Count = Callable[[tuple[Message, ...]], tuple[int, int]]


def write_template(
    documents: Iterable[Document],
    blocks: Mapping[str, Sequence[Block]],
    source: Source,
    count: Count,
    backbone: str,
) -> Iterator[Instance | Reject]:
    """Up to `source.turns` instances of every task of `source` over each document, and what was refused.

    Args:
        blocks: the layout of each document, by its id.
        count: exact tokens and supervised tokens of a conversation.
        backbone: whose tokens `count` counts.

    Raises:
        ConfigError: a task is unknown.
    """
    tasks = {name: load("mmprolong.synthesis.tasks", name, "source.tasks") for name in source.tasks}
    for document in _chosen(list(documents), source):
        material = Material(document, blocks.get(document.id, ()))
        for name, task in tasks.items():
            for number, question in enumerate(_questions(material, name, task, source)):
                if isinstance(question, Reject):
                    yield question
                else:
                    identifier = f"{document.id[:16]}-{source.seed}-{name}-{number}"
                    yield _instance(identifier, name, question, document, count, backbone)


def _chosen(documents: list[Document], source: Source) -> list[Document]:
    """The documents whose length is asked for; `source.documents` of each range, drawn by the seed."""
    if not source.pages:
        return documents
    kept: dict[str, Document] = {}
    for index, (shortest, longest) in enumerate(source.pages):
        fitting = [document for document in documents if shortest <= document.pages <= longest]
        order = np.random.default_rng([source.seed, index]).permutation(len(fitting))
        chosen = order[: source.documents] if source.documents else order
        kept.update((fitting[position].id, fitting[position]) for position in sorted(chosen))
    return list(kept.values())


def _questions(material: Material, name: str, task: ModuleType, source: Source) -> Iterator[Question | Reject]:
    """Questions that hold, each from a segment drawn anew and none twice; the flaws of those that do not."""
    rng = np.random.default_rng([source.seed, int(material.document.id[:12], 16), *name.encode()])
    what = f"{material.document.source}: {name}"
    seen: set[str] = set()
    for found in range(source.turns):
        for question in _candidates(material, task, rng, seen):
            reason = flaw(question, material)
            if not reason:
                yield question
                break
            yield Reject(what=what, reason=reason, detail=question.text)
        else:
            yield Reject(what=what, reason="no more questions", detail=f"{found} of {source.turns}")
            return


def _candidates(material: Material, task: ModuleType, rng: np.random.Generator, seen: set[str]) -> Iterator[Question]:
    """Unseen questions of a few segments, drawn in turn."""
    runs = segments(material)
    for index in rng.permutation(len(runs))[:_SEGMENTS]:
        for question in islice(task.write(material, runs[int(index)], rng), _TRIES):
            if question.text not in seen:
                seen.add(question.text)
                yield question


def _instance(
    identifier: str, task: str, question: Question, document: Document, count: Count, backbone: str
) -> Instance:
    pages = tuple(Image(document=document.id, page=page) for page in range(document.pages))
    messages = (
        Message(role="user", parts=(*pages, question.text)),
        Message(role="assistant", parts=(question.answer,)),
    )
    tokens, supervised = count(messages)
    return Instance(
        id=identifier,
        task=task,
        document=document.id,
        pages=document.pages,
        tokens=tokens,
        supervised=supervised,
        backbone=backbone,
        messages=messages,
        evidence=(question.evidence,),
        sources=question.sources,
        answer_format=question.answer_format,
        origin=f"{ORIGIN}/{question.kind}",
    )
