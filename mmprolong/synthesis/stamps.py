"""Documents of stamped thumbnails, and questions about the stamps: the paper's tasks at the size of the proxy model.

A document is a run of real pages of the pool, each stamped with a key (a letter) and a value (a digit). The keys that
are asked for occur once; the other pages carry the remaining letters, some of them often, as distractors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_uppercase

import numpy as np

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.records import Example, Gold
from mmprolong.settings.data import Source

VERSION = 1
ASKABLE = 8
"""Keys of a document that occur once."""
RUNS = np.dtype([("document", "S64"), ("first", np.int32), ("pages", np.int32)])
"""Pages of documents that follow each other: document, first page, number of pages."""
NEEDLE_PAGES = 3
"""Pages that an OCR-needle answer transcribes."""


@dataclass(frozen=True, slots=True)
class StampedDocument:
    """Pages and the stamps on them."""

    id: str
    pages: tuple[Image, ...]
    askable: tuple[int, ...]
    """Pages whose key occurs once, in random order."""

    def stamp(self, page: int) -> str:
        """Text on the page: 'A 7'."""
        return " ".join(self.pages[page].stamp)


class PagePool(Sequence[Image]):
    """The pages of many documents one after the other, each made when it is asked for.

    Args:
        runs: of RUNS.
    """

    def __init__(self, runs: np.ndarray) -> None:
        self._documents, self._firsts = runs["document"], runs["first"]
        self._ends = np.cumsum(runs["pages"], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Image:  # pyright: ignore[reportIncompatibleMethodOverride]
        run = int(np.searchsorted(self._ends, index, "right"))
        before = int(self._ends[run - 1]) if run else 0
        return Image(f"pdf:{self._documents[run].decode()}", int(self._firsts[run]) + index - before)


@dataclass(frozen=True, slots=True)
class StampQuestion:
    """One turn: the question, the answer, and the pages it rests on."""

    text: str
    answer: str
    evidence: tuple[int, ...]


def write_stamped(source: Source, pool: Sequence[Image], index: int, number: int) -> Iterator[Example]:
    """Yield an example of every task of `source` over one composed document.

    All tasks are asked of the same documents, so that mixtures of tasks differ in their tasks only.

    Args:
        pool: the pages that documents are composed of.
        index: which of `source.lengths`.
        number: which of `source.documents`.
    """
    length = source.lengths[index]
    shortest, longest = length.pages
    entropy = [source.seed, index, number, int(source.split == "heldout")]
    rng = np.random.default_rng(entropy)
    pages = max(shortest, int(np.exp(rng.uniform(np.log(shortest), np.log(longest + 1)))))
    start = int((number + rng.random()) * len(pool) / source.documents)  # spread evenly: least overlap
    document = compose(f"{source.split}-{source.seed}-{index}-{number}", pool, start, pages, rng)
    for task in source.tasks:
        asking = np.random.default_rng([*entropy, list(TASKS).index(task)])
        yield _example(document, task, source.questions_per_task, length.name, asking)


def compose(name: str, pool: Sequence[Image], start: int, pages: int, rng: np.random.Generator) -> StampedDocument:
    """Compose a document of `pages` consecutive, stamped pages of the pool from `start` on, wrapping at its end."""
    letters = rng.permutation(list(ascii_uppercase))
    askable = rng.permutation(pages)[:ASKABLE]
    keys = rng.choice(letters[ASKABLE:], pages)
    keys[askable] = letters[: len(askable)]
    values = rng.integers(0, 10, pages)
    shown = (pool[(start + page) % len(pool)] for page in range(pages))
    stamped = tuple(
        Image(image.source, image.index, stamp=f"{key}{value}")
        for image, key, value in zip(shown, keys, values, strict=True)
    )
    return StampedDocument(id=name, pages=stamped, askable=tuple(int(page) for page in askable))


def extract_single(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Ask for the value of one key."""
    for page in rng.permutation(document.askable)[:wanted]:
        key, value = document.pages[page].stamp
        yield StampQuestion(f"find {key}", value, (int(page),))


def extract_multi(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Ask for the values of two or three keys on as many pages."""
    for pages in _groups(document, wanted, (2, 3), rng):
        yield StampQuestion(f"list {_keys(document, pages)} :", _facts(document, pages), pages)


def reasoning(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Ask for a sum, difference, maximum or count; the answer restates its evidence, then concludes after `=`."""
    for pages in _groups(document, wanted, (2, 2), rng):
        operation = OPERATIONS[rng.integers(len(OPERATIONS))]
        result = _apply(operation, [int(document.pages[page].stamp[1]) for page in pages])
        question = f"{operation} {_keys(document, pages)} :"
        yield StampQuestion(question, f"{_facts(document, pages)} = {result}", pages)


def ocr_full(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Ask for every stamp in order."""
    pages = tuple(range(len(document.pages)))
    yield StampQuestion("read :", _facts(document, pages), pages)


def ocr_needle(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Ask for the stamps of up to three pages, from the one with a given key on."""
    for page in rng.permutation(document.askable)[: max(1, wanted // 2)]:
        pages = tuple(range(page, min(page + NEEDLE_PAGES, len(document.pages))))
        yield StampQuestion(f"from {document.pages[page].stamp[0]} :", _facts(document, pages), pages)


def arithmetic(document: StampedDocument, wanted: int, rng: np.random.Generator) -> Iterator[StampQuestion]:
    """Write worked answers without a page: values are given; the keys to restate and the conclusion are learnt."""
    for _ in range(wanted):
        operation = ("list", *OPERATIONS)[rng.integers(len(OPERATIONS) + 1)]
        size = int(rng.integers(2, 4)) if operation == "list" else 2
        letters = [str(letter) for letter in rng.permutation(list(ascii_uppercase))[:size]]
        values = [int(value) for value in rng.integers(0, 10, size)]
        worked = " ".join(f"{letter} [{value}]" for letter, value in zip(letters, values, strict=True))
        conclusion = "" if operation == "list" else f" = {_apply(operation, values)}"
        yield StampQuestion(f"{operation} {' '.join(letters)} :", worked + conclusion, ())


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
    document: StampedDocument, wanted: int, sizes: tuple[int, int], rng: np.random.Generator
) -> Iterator[tuple[int, ...]]:
    """Yield disjoint groups of askable pages, half as many as `wanted`, fewer where the document is short."""
    pages = [int(page) for page in rng.permutation(document.askable)]
    for _ in range(max(1, wanted // 2)):
        size = min(int(rng.integers(sizes[0], sizes[1] + 1)), len(pages))
        if size == 0:
            return
        yield tuple(pages[:size])
        del pages[:size]


def _keys(document: StampedDocument, pages: tuple[int, ...]) -> str:
    return " ".join(document.pages[page].stamp[0] for page in pages)


def _facts(document: StampedDocument, pages: tuple[int, ...]) -> str:
    return " ".join(document.stamp(page) for page in pages)


def _answer(text: str) -> Iterator[Text]:
    """Yield the parts of an answer; a word in brackets is given to the model, not learnt."""
    for given, words in groupby(text.split(), key=lambda word: word.startswith("[")):
        yield Text(" ".join(words).replace("[", "").replace("]", ""), learned=not given)


def _example(
    document: StampedDocument, task: str, questions_per_task: int, length: str, rng: np.random.Generator
) -> Example:
    questions = list(TASKS[task](document, questions_per_task, rng))
    pages = tuple(_runs(document.pages)) if task != "arithmetic" else ()
    messages: list[Message] = []
    for number, question in enumerate(questions):
        shown = pages if number == 0 else ()
        messages.append(Message("user", (*shown, Text(question.text))))
        messages.append(Message("assistant", tuple(_answer(question.answer))))
    kind = "List" if task in ("extract_multi", "ocr_full", "ocr_needle") else "Integer"
    return Example(
        id=f"{document.id}-{task}",
        task=task,
        cluster=document.id,
        sources=tuple(dict.fromkeys(run.source for run in pages)),
        conversations={"answer": tuple(messages)},
        gold=tuple(Gold(question.answer, kind, question.evidence) for question in questions),
        length=length,
        facts={"evidence": "Layout"},
        origin=f"stamps-{VERSION}",
    )


def _runs(pages: Sequence[Image]) -> Iterator[Pages]:
    """Yield consecutive pages of one document as one range."""
    for _, group in groupby(enumerate(pages), key=lambda pair: (pair[1].source, pair[1].index - pair[0])):
        run = [image for _, image in group]
        yield Pages(run[0].source, run[0].index, run[-1].index, tuple(image.stamp for image in run))
