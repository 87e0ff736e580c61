"""Examples for people: one as lines of text, many as counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median

from mmprolong.conversations import Conversation, image_count, images_of
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


def count_examples(examples: Iterable[Example]) -> tuple[list[tuple[object, ...]], Counter[int]]:
    """Return task, examples, questions, images and least / median / most images, a row for each task and for all.

    Also how many examples have so many images.
    """
    images: dict[str, list[int]] = defaultdict(list)
    questions: Counter[str] = Counter()
    for one in examples:
        turns = next(iter(one.conversations.values()))
        images[one.task].append(image_count(turns))
        questions[one.task] += sum(turn.role == "user" for turn in turns)
    whole = [count for counts in images.values() for count in counts]
    rows = [_counts(task, images[task], questions[task]) for task in sorted(images)]
    return [*rows, _counts("all", whole, questions.total())], Counter(whole)


def _counts(task: str, images: Sequence[int], questions: int) -> tuple[object, ...]:
    spread = (min(images, default=0), round(median(images or [0])), max(images, default=0))
    return task, len(images), questions, sum(images), " / ".join(f"{value:,}" for value in spread)


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
