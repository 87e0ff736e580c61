"""One question on a document before it becomes an example, with all that its check needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, its answer, and the pages on which the answer rests."""

    kind: str
    """Template that wrote it: caption, abbreviation, figure count, ..."""
    text: str
    answer: str
    answer_format: str = "String"
    evidence: tuple[int, ...]
    """Pages, index from 0."""
    sources: tuple[str, ...] = ("Text",)
    quotes: tuple[tuple[int, str], ...] = ()
    """Page and wording: each must be printed there."""
    cue: str = ""
    """Wording by which the place is found; must be printed once in the document."""
    recount: tuple[str, int, int] | None = None
    """Pattern with one group, first and last page: its distinct matches must be as many as the answer."""
    choice: bool = False
    """True if the answer is one of several that the question names."""


def interleaved(kinds: Sequence[list[Question]], rng: np.random.Generator) -> Iterator[Question]:
    """Yield all questions, each from a kind drawn at random, so that common kinds do not crowd out rare ones."""
    left = [list(questions) for questions in kinds if questions]
    while left:
        kind = left[int(rng.integers(len(left)))]
        yield kind.pop(int(rng.integers(len(kind))))
        left = [questions for questions in left if questions]
