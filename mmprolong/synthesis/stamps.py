"""Documents of stamped thumbnails, and questions about the stamps: the paper's tasks at the size of the proxy model.

A document is a run of real pages of the pool, each stamped with a key (a letter) and a value (a digit). The keys that
are asked for occur once; the other pages carry the remaining letters, some of them often, as distractors.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_uppercase

import numpy as np

from mmprolong.errors import ConfigError, nearest
from mmprolong.records import Document, Image, Instance, Message
from mmprolong.settings.knobs import Source

ORIGIN = "stamps-1"
ASKABLE = 8
"""Keys of a document that occur once."""
NEEDLE_PAGES = 3
"""Pages that an OCR-needle answer transcribes."""

Count = Callable[[tuple[Message, ...]], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StampedDocument:
    """Pages and what is printed on them."""

    id: str
    pages: tuple[Image, ...]
    askable: tuple[int, ...]
    """Pages whose key occurs once, in random order."""

    def stamp(self, page: int) -> str:
        """What a page says: 'A 7'."""
        return " ".join(self.pages[page].stamp)


@dataclass(frozen=True, slots=True)
class Question:
    """One turn: what is asked, the answer, and the pages it rests on."""

    text: str
    answer: str
    evidence: tuple[int, ...]


def write_stamped(documents: Sequence[Document], source: Source, backbone: str, count: Count) -> Iterator[Instance]:
    """Instances of every task of `source` over every composed document.

    All tasks are asked of the same documents, so that mixtures of tasks differ in their tasks only.

    Args:
        count: exact tokens and supervised tokens of a conversation.

    Raises:
        ConfigError: a task is unknown.
    """
    for task in source.tasks:
        if task not in TASKS:
            raise ConfigError(f"source.tasks: {task!r} is unknown; {nearest(task, TASKS)}")
    pool = [Image(document=document.id, page=page) for document in documents for page in range(document.pages)]
    for index, (shortest, longest) in enumerate(source.pages):
        for number in range(source.documents):
            entropy = [source.seed, index, number, int(source.split == "heldout")]
            rng = np.random.default_rng(entropy)
            pages = int(np.exp(rng.uniform(np.log(shortest), np.log(longest + 1))))
            document = compose(f"{source.split}-{source.seed}-{index}-{number}", pool, max(shortest, pages), rng)
            for task in source.tasks:
                asking = np.random.default_rng([*entropy, list(TASKS).index(task)])
                yield _instance(document, task, source.turns, backbone, count, asking)


def compose(name: str, pool: Sequence[Image], pages: int, rng: np.random.Generator) -> StampedDocument:
    """A document of `pages` consecutive pages of the pool (wrapping at its end), stamped."""
    start = int(rng.integers(len(pool)))
    letters = rng.permutation(list(ascii_uppercase))
    askable = rng.permutation(pages)[:ASKABLE]
    keys = rng.choice(letters[ASKABLE:], pages)
    keys[askable] = letters[: len(askable)]
    values = rng.integers(0, 10, pages)
    shown = (pool[(start + page) % len(pool)] for page in range(pages))
    stamped = tuple(
        Image(document=image.document, page=image.page, stamp=f"{key}{value}")
        for image, key, value in zip(shown, keys, values, strict=True)
    )
    return StampedDocument(id=name, pages=stamped, askable=tuple(int(page) for page in askable))


def extract_single(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """The value for one key."""
    for page in rng.permutation(document.askable)[:turns]:
        key, value = document.pages[page].stamp
        yield Question(f"find {key}", value, (int(page),))


def extract_multi(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """The values for two or three keys on as many pages."""
    for pages in _groups(document, turns, (2, 3), rng):
        yield Question(f"list {_keys(document, pages)} :", _facts(document, pages), pages)


def reasoning(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """A sum, difference, maximum or count over pages; the answer restates its evidence, then concludes after `=`."""
    for pages in _groups(document, turns, (2, 2), rng):
        operation = OPERATIONS[rng.integers(len(OPERATIONS))]
        result = _apply(operation, [int(document.pages[page].stamp[1]) for page in pages])
        question = f"{operation} {_keys(document, pages)} :"
        yield Question(question, f"{_facts(document, pages)} = {result}", pages)


def ocr_full(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """Every stamp in order."""
    pages = tuple(range(len(document.pages)))
    yield Question("read :", _facts(document, pages), pages)


def ocr_needle(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """The stamps of up to three pages, from the one with a given key on."""
    for page in rng.permutation(document.askable)[: max(1, turns // 2)]:
        pages = tuple(range(page, min(page + NEEDLE_PAGES, len(document.pages))))
        yield Question(f"from {document.pages[page].stamp[0]} :", _facts(document, pages), pages)


def arithmetic(document: StampedDocument, turns: int, rng: np.random.Generator) -> Iterator[Question]:
    """Worked answers without a page: the values are given, the keys to restate and the conclusion are learnt."""
    for _ in range(turns):
        operation = ("list", *OPERATIONS)[rng.integers(len(OPERATIONS) + 1)]
        size = int(rng.integers(2, 4)) if operation == "list" else 2
        letters = [str(letter) for letter in rng.permutation(list(ascii_uppercase))[:size]]
        values = [int(value) for value in rng.integers(0, 10, size)]
        worked = " ".join(f"{letter} [{value}]" for letter, value in zip(letters, values, strict=True))
        conclusion = "" if operation == "list" else f" = {_apply(operation, values)}"
        yield Question(f"{operation} {' '.join(letters)} :", worked + conclusion, ())


TASKS = {task.__name__: task for task in (extract_single, extract_multi, reasoning, ocr_full, ocr_needle, arithmetic)}
OPERATIONS = ("sum", "difference", "largest", "count")
HIGH = 5
"""`count` counts the values that are at least this."""


def _apply(operation: str, values: list[int]) -> int:
    match operation:
        case "sum":
            return sum(values)
        case "difference":
            return max(values) - min(values)
        case "largest":
            return max(values)
        case _:
            return sum(value >= HIGH for value in values)


def _groups(
    document: StampedDocument, turns: int, sizes: tuple[int, int], rng: np.random.Generator
) -> Iterator[tuple[int, ...]]:
    """Disjoint groups of askable pages, half as many as `turns`, fewer where the document is short."""
    pages = [int(page) for page in rng.permutation(document.askable)]
    for _ in range(max(1, turns // 2)):
        size = min(int(rng.integers(sizes[0], sizes[1] + 1)), len(pages))
        if size == 0:
            return
        yield tuple(pages[:size])
        del pages[:size]


def _keys(document: StampedDocument, pages: tuple[int, ...]) -> str:
    return " ".join(document.pages[page].stamp[0] for page in pages)


def _facts(document: StampedDocument, pages: tuple[int, ...]) -> str:
    return " ".join(document.stamp(page) for page in pages)


def _answer(text: str) -> Iterator[Message]:
    """The assistant's turn; a word in brackets is given to it, not learnt."""
    for given, words in groupby(text.split(), key=lambda word: word.startswith("[")):
        role = "given" if given else "assistant"
        yield Message(role=role, parts=(" ".join(words).replace("[", "").replace("]", ""),))


def _instance(
    document: StampedDocument, task: str, turns: int, backbone: str, count: Count, rng: np.random.Generator
) -> Instance:
    questions = list(TASKS[task](document, turns, rng))
    images = document.pages if task != "arithmetic" else ()
    messages: list[Message] = []
    for number, question in enumerate(questions):
        shown = images if number == 0 else ()
        messages.append(Message(role="user", parts=(*shown, question.text)))
        messages.extend(_answer(question.answer))
    tokens, supervised = count(tuple(messages))
    return Instance(
        id=f"{document.id}-{task}",
        task=task,
        document=document.id,
        pages=len(images),
        tokens=tokens,
        supervised=supervised,
        backbone=backbone,
        messages=tuple(messages),
        evidence=tuple(question.evidence for question in questions),
        sources=("Layout",),
        answer_format="List" if task in ("extract_multi", "ocr_full", "ocr_needle") else "Integer",
        origin=ORIGIN,
    )
