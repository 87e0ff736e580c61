"""One question on a document before it becomes an example, with all that its check needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

NOT_ANSWERABLE = "Not answerable"
"""The answer to a question whose fact is not in the document, in the words of the benchmarks; its format is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, its answer, and the pages on which the answer rests."""

    kind: str
    """Template that wrote it: caption, abbreviation, figure count, ..."""
    text: str
    """Without the rule for page numbers, which the example adds."""
    answer: str
    answer_format: str = "String"
    """String, Integer, Float, List (as JSON) or None."""
    evidence: tuple[int, ...]
    """Pages, index from 0."""
    sources: tuple[str, ...] = ("Text",)
    """Text, Layout, Figure, Table."""
    quotes: tuple[tuple[int, str], ...] = ()
    """Page and wording: each must be printed there."""
    cue: str = ""
    """Wording by which the place is found; must be printed once in the document."""
    absent: tuple[str, ...] = ()
    """Wordings that must be printed nowhere in the document."""
    recount: tuple[str, int, int] | None = None
    """Pattern with one group, first and last page: its distinct matches must be as many as the answer."""
    choice: bool = False
    """True if the answer is one of several that the question names."""
    checked: str = "printed"
    """How the answer is known to be right: `printed`, `computed`, `absent`, or `no`: a figure says it, to a reader."""

    @property
    def on_layout(self) -> bool:
        """Rests on the layout first: on places, headings, and how many there are of them."""
        return self.sources[:1] == ("Layout",)


def interleaved(kinds: Sequence[list[Question]], rng: np.random.Generator) -> Iterator[Question]:
    """Yield all questions, each from a kind drawn at random, so that common kinds do not crowd out rare ones."""
    left = [list(questions) for questions in kinds if questions]
    while left:
        kind = left[int(rng.integers(len(left)))]
        yield kind.pop(int(rng.integers(len(kind))))
        left = [questions for questions in left if questions]
