"""An example as lines of text, for people."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from mmprolong.conversations import Conversation, images_of
from mmprolong.records import Example, Gold, Measured

_RUNS = 6
"""Runs of pages that are named."""
_TURNS = {"system": "system", "user": "question", "assistant": "answer"}


def describe_example(
    example: Example, measured: Mapping[str, Measured], names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what each line is, and its text.

    Args:
        measured: lengths of its conversations by name, as far as they are known.
        names: names of documents by id.
    """
    facts = (f"{name} {value}" for name, value in example.facts.items())
    yield "task", "   ".join(filter(None, (example.task, example.length, *facts, example.origin)))
    for name, conversation in example.conversations.items():
        if name != "answer":
            yield "", name
        yield "document", _pages(conversation, names)
        if name in measured:
            lengths = measured[name]
            yield "tokens", f"{lengths.tokens:,}, {lengths.supervised:,} of them supervised"
        yield from _turns(conversation, iter(example.gold))


def _turns(conversation: Conversation, answers: Iterator[Gold]) -> Iterator[tuple[str, str]]:
    for turn in conversation:
        yield _TURNS[turn.role], turn.text
        if turn.role == "assistant" and (right := next(answers, None)):
            pages = ", ".join(str(place + 1) for place in right.evidence)
            yield "evidence", f"{f'images {pages}' if pages else 'no image'}   {right.format}"


def _pages(conversation: Conversation, names: Mapping[str, str]) -> str:
    """Name the documents and pages (from 1) that a conversation shows, in its order."""
    numbered = enumerate(images_of(conversation))
    grouped = groupby(numbered, key=lambda pair: (pair[1].source, pair[1].index - pair[0]))
    runs = [(source.removeprefix("pdf:"), [image.index + 1 for _, image in run]) for (source, _), run in grouped]
    named = [f"{names.get(source, source)} pages {pages[0]}-{pages[-1]}" for source, pages in runs[:_RUNS]]
    more = f", and {len(runs) - _RUNS} more" if len(runs) > _RUNS else ""
    return ", ".join(named) + more if named else "no page"
