"""From questions to examples: what is shown, what is asked, and how many questions share the pages."""

from collections.abc import Iterable, Iterator

import numpy as np

from mmprolong.conversations import Message, Text
from mmprolong.records import Example, Gold, Reject
from mmprolong.settings.data import Source
from mmprolong.synthesis.page_numbers import stated
from mmprolong.synthesis.parsed_document import ParsedDocument
from mmprolong.synthesis.question import Question
from mmprolong.synthesis.verify import given_away


def chosen_lengths(pages: np.ndarray, source: Source) -> np.ndarray:
    """Return for each document which of `source.lengths` it is used at, -1 for none; drawn by the seed if not all are.

    Args:
        pages: of each document.
    """
    chosen = np.full(len(pages), -1, np.int16)
    for index, length in enumerate(source.lengths):
        shortest, longest = length.pages
        fitting = np.flatnonzero((shortest <= pages) & (pages <= longest))
        order = np.random.default_rng([source.seed, index]).permutation(len(fitting))
        chosen[fitting[order[: source.documents] if source.documents else order]] = index
    return chosen


def shown(parsed: ParsedDocument, source: Source) -> Iterator[tuple[ParsedDocument, range]]:
    """Yield what the examples on a document show, and the numbers of its questions of each task.

    That is the document with all its questions, or for each question a window of few pages; all tasks ask about the
    same windows.
    """
    if not source.window:
        yield parsed, range(source.questions_per_task)
        return
    pages, rng = parsed.document.pages, document_rng(parsed, source, "window")
    fewest, most = (min(length, pages) for length in source.window)
    for number in range(source.questions_per_task):
        length = int(rng.integers(fewest, most + 1))
        first = int(rng.integers(pages - length + 1))
        yield parsed.window(first, first + length - 1), range(number, number + 1)


def document_rng(parsed: ParsedDocument, source: Source, name: str, number: int = 0) -> np.random.Generator:
    """Return the generator of one purpose on one document: other documents do not disturb it."""
    return np.random.default_rng(
        [source.seed, int(parsed.document.id[:12], 16), parsed.document.first_page, number, *name.encode()]
    )


def example_of(name: str, task: str, question: Question, parsed: ParsedDocument, length: str, origin: str) -> Example:
    """Return the example that shows all pages of a document, or of a window of it, and asks one question.

    Args:
        name: end of its id: the same question of two sources has the same, whatever writer and scope they have.
    """
    document = parsed.document
    messages = (
        Message("user", (parsed.pages(), Text(stated(question.text, parsed.printed)))),
        Message("assistant", (Text(question.answer, learned=True),)),
    )
    return Example(
        id=f"{parsed.name}-{name}",
        task=task,
        cluster=parsed.cluster or document.id,
        sources=(parsed.source,),
        conversations={"answer": messages},
        gold=(Gold(question.answer, question.answer_format, question.evidence),),
        length=length,
        facts={
            "evidence": ", ".join(question.sources),
            "kind": question.kind,
            "checked": question.checked,
            "document": document.source,
            "licence": document.licence,
            **({"published": document.origin} if document.origin else {}),
        },
        origin=origin,
    )


def shared(items: Iterable[Example | Reject], most: int) -> Iterator[Example | Reject]:
    """Let up to `most` consecutive questions of one task on the same pages share one example, one turn each.

    A question whose answer another one gives away begins a new example.
    """
    held: Example | None = None
    for item in items:
        if isinstance(item, Reject):
            yield item
        elif held and len(held.gold) < most and _fit(held, item):
            held = _joined(held, item)
        else:
            if held:
                yield held
            held = item
    if held:
        yield held


def _fit(one: Example, other: Example) -> bool:
    asked, added = one.conversations["answer"], other.conversations["answer"]
    if (one.task, one.cluster, one.length) != (other.task, other.cluster, other.length):
        return False
    if asked[0].parts[:-1] != added[0].parts[:-1]:
        return False
    given = any(given_away(turn.text, gold.answer, gold.format) for gold in other.gold for turn in asked)
    return not given and not any(given_away(added[0].text, gold.answer, gold.format) for gold in one.gold)


def _joined(one: Example, other: Example) -> Example:
    asked, answered = other.conversations["answer"]
    turns = (*one.conversations["answer"], Message("user", asked.parts[-1:]), answered)
    facts = {key: _both(value, other.facts[key]) for key, value in one.facts.items()}
    return Example(
        id=f"{one.id}+{other.id.rpartition('-')[2]}",
        task=one.task,
        cluster=one.cluster,
        sources=one.sources,
        conversations={"answer": turns},
        gold=(*one.gold, *other.gold),
        length=one.length,
        facts=facts,
        origin=one.origin,
    )


def _both(one: str, other: str) -> str:
    if one == other:
        return one
    return ", ".join(dict.fromkeys(filter(None, (*one.split(", "), *other.split(", ")))))
