"""Documents padded to a length with pages of others, as MMLongBench builds its questions on documents."""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from math import log, sqrt
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from mmprolong.evaluation.benchmarks._records import Refused
from mmprolong.records import Reject

Negatives = Literal["random", "related"]
"""Documents in random order, or first those whose names and questions share the most words with the own one's."""
_BLOCK = 28
"""Side of an image token [px]: patches of 14 px, merged 2 by 2."""
_LABEL_TOKENS = 12
"""Of 'Document NAME: ' before a page."""
_PROMPT_TOKENS = 128
"""Of instruction and question."""
_PAGE_NUMBER = re.compile(r"(?:_page|-)(\d+)(?P<slide>-\d+)?\.\w+$")
_WORD = re.compile(r"[^\W\d_]{3,}")


def document_of(page: str) -> str:
    """Return the name of the document to which the image of a page belongs: its folder."""
    return PurePosixPath(page).parent.name


def page_number(page: str) -> int:
    """Return the number of a page in its document, from 0; -1 if its name has none. Slides are named from 1."""
    found = _PAGE_NUMBER.search(page)
    return int(found[1]) - bool(found["slide"]) if found else -1


def page_tokens(size: tuple[int, int]) -> int:
    """Return the nominal tokens of a page of this size [px], with its label.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/README.md (14x14 patches, 2x2 pixel unshuffle).
    """
    width, height = size
    return max(1, round(width / _BLOCK)) * max(1, round(height / _BLOCK)) + _LABEL_TOKENS


class NegativePages:
    """All pages of a data set, from which those around a document are taken.

    Args:
        size: returns width and height of a page [px]; raises Refused for one that cannot be read.
        negatives: order in which documents are taken.
        seed: of this order.
    """

    def __init__(self, size: Callable[[str], tuple[int, int]], negatives: Negatives, seed: int) -> None:
        self._size, self._negatives, self._seed = size, negatives, seed
        self._pages: defaultdict[str, set[str]] = defaultdict(set)
        self._words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._readable: dict[str, list[tuple[str, int]]] = {}
        self._orders: dict[str, list[str]] = {}
        self.rejects: list[Reject] = []
        """Pages that would have been taken, but cannot be read."""

    def add(self, document: str, question: str, pages: Iterable[str]) -> None:
        """Learn a question on a document, and pages of any documents; all of them before the first is padded."""
        self._words[document].update(_words(question))
        for page in pages:
            self._pages[document_of(page)].add(page)

    def padded(self, own: Sequence[str], evidence: Collection[str], budget: int) -> tuple[list[str], int]:
        """Return pages that fill a length, and their nominal tokens with those of the prompt.

        A longer document loses pages at both ends by turns, never the evidence. To a shorter one others are added
        alternately left and right, the last one cut. Which ones depends on the document alone: questions on one
        document share their pages, and a longer context holds the documents of a shorter one.

        Args:
            own: pages of the document, in order.
            budget: length [tokens].

        Raises:
            Refused: the evidence is too long, there are too few pages of others, or an own page cannot be read.

        Source: arXiv 2505.10610 (MMLongBench), on documentQA.
        """
        kept = _cut([(page, page_tokens(self._size(page))) for page in own], evidence, budget - _PROMPT_TOKENS)
        total = _PROMPT_TOKENS + sum(tokens for _, tokens in kept)
        left, right = deque[str](), deque[str]()
        for number, document in enumerate(self._order(document_of(own[0]))):
            pages = self._pages_of(document)
            fitting: list[str] = []
            for page, tokens in pages:
                if total + tokens > budget:
                    break
                fitting.append(page)
                total += tokens
            if number % 2:
                right.extend(fitting)
            else:
                left.extendleft(reversed(fitting))
            if len(fitting) < len(pages):
                return [*left, *(page for page, _ in kept), *right], total
        raise Refused("too few pages to pad with", f"{total} of {budget} tokens")

    def _order(self, document: str) -> list[str]:
        """Return the other documents in the order in which they are taken; equally related ones in random order."""
        if document not in self._orders:
            others = sorted(self._pages.keys() - {document})
            rng = np.random.default_rng([self._seed, *document.encode()])
            order = [others[place] for place in rng.permutation(len(others))]
            if self._negatives == "related":
                order.sort(key=lambda other: -self._likeness(document, other))
            self._orders[document] = order
        return self._orders[document]

    def _likeness(self, document: str, other: str) -> float:
        """Return the cosine of two documents' words, rare words counting more (tf-idf)."""
        one, two = self._vectors[document], self._vectors[other]
        return sum(weight * two.get(word, 0.0) for word, weight in one.items())

    @cached_property
    def _vectors(self) -> dict[str, dict[str, float]]:
        counts = {name: self._words[name] + Counter(_words(name)) for name in {*self._pages, *self._words}}
        spread = Counter(word for words in counts.values() for word in words)
        found: dict[str, dict[str, float]] = {}
        for name, words in counts.items():
            weights = {word: count * log(len(counts) / spread[word]) for word, count in words.items()}
            norm = sqrt(sum(weight**2 for weight in weights.values())) or 1.0
            found[name] = {word: weight / norm for word, weight in weights.items()}
        return found

    def _pages_of(self, document: str) -> list[tuple[str, int]]:
        if document not in self._readable:
            found: list[tuple[str, int]] = []
            for page in sorted(self._pages[document], key=lambda page: (page_number(page), page)):
                try:
                    found.append((page, page_tokens(self._size(page))))
                except Refused as error:
                    self.rejects.append(Reject(what=page, reason=f"negative {error.reason}", detail=error.detail))
            self._readable[document] = found
        return self._readable[document]


def _cut(pages: Sequence[tuple[str, int]], evidence: Collection[str], budget: int) -> list[tuple[str, int]]:
    """Return the pages without as many at both ends, by turns, as they are too long.

    Raises:
        Refused: the evidence and what lies between is too long.
    """
    kept = deque(pages)
    total = sum(tokens for _, tokens in kept)
    at_end = False
    while total > budget:
        ends = [kept[-1], kept[0]] if at_end else [kept[0], kept[-1]]
        free = [end for end in ends if end[0] not in evidence] if len(kept) > 1 else []
        if not free:
            raise Refused("evidence is too long", f"{total} of {budget} tokens")
        if free[0] is kept[0]:
            kept.popleft()
        else:
            kept.pop()
        total -= free[0][1]
        at_end = not at_end
    return list(kept)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
