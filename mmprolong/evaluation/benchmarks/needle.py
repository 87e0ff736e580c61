"""Needles at chosen depths of page images at chosen lengths, in the tokens of the model that is asked."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from mmprolong.conversations import Message, Text
from mmprolong.errors import DataError
from mmprolong.evaluation.benchmarks import DataSet, Inputs, macro_and_micro
from mmprolong.evaluation.benchmarks._haystack import Haystack, Page
from mmprolong.evaluation.lengths import size
from mmprolong.models.backbone import find
from mmprolong.plugins import Choice
from mmprolong.records import Gold, Reject, Sample, Score
from mmprolong.settings.knobs import View
from mmprolong.store.jsonl import read_jsonl

DATA = DataSet("any PDFs", "their own", "a folder of your own")
_WORDS = 3
"""Words of a line that are asked for; at least as many stand before them."""
_CITIES = "Aachen Bergen Coimbra Dundee Evora Ferrara Ghent Haarlem Izmir Kosice Lucca Malmo Namur Oulu Porto Tartu"


class Spot(NamedTuple):
    """A cell of the grid."""

    length: str
    depth: int
    """Number of the stretch of the document in which the needle lies, from 0."""


@dataclass(frozen=True)
class Needle:
    """Questions whose answer stands at one place among the pages of many PDFs.

    The pages shown take as many tokens as fit into the length, counted by the backbone and in the view that are named
    here; give those of the run: `backbone: ${model.backbone}`, `path: ${model.path}`, `dpi: ${view.dpi}`. Questions of
    one number show the same pages at every depth, so that these are read once.
    """

    version: ClassVar[int] = 1
    scorer: ClassVar[Choice] = "exact_match"
    folder: str = "needle"
    """Folder of PDFs in the data root."""
    kind: Literal["line", "note"] = "line"
    """`line`: the end of a printed line is asked for, by its beginning. `note`: a number in a sentence of text that
    stands between two pages, where scans have no text to ask for."""
    lengths: tuple[str, ...] = ("8K", "16K", "32K", "64K")
    """Longest prompts [tokens]."""
    depths: int = 5
    """Stretches of equal length in which the needle lies."""
    samples_per_cell: int = 8
    budget: int = 0
    """Questions that are added where earlier scores (`after`) leave the mean most uncertain; only these are asked."""
    backbone: Choice = "qwen2_5_vl"
    path: str = ""
    dpi: int = 144
    min_pixels: int = 0
    max_pixels: int = 0
    seed: int = 0

    def samples(self, name: str, inputs: Inputs) -> Iterator[Sample | Reject]:
        """Yield the questions, length by length and depth by depth.

        Raises:
            ConfigError: there is no such folder, or no such model.
            DataError: the folder holds no PDF that can be read.
        """
        root = DATA.file(inputs, self.folder).parents[len(Path(self.folder).parts) - 1]
        view = View(dpi=self.dpi, min_pixels=self.min_pixels, max_pixels=self.max_pixels)
        stack = Haystack(root, self.folder, find(self.backbone, self.path), view)
        yield from stack.rejects
        done = _earlier(inputs.scores)
        for spot, number in self._spots(done):
            called = f"{spot.length}-d{spot.depth}-{number}"
            try:
                yield self._sample(name, called, spot, stack)
            except DataError as error:
                yield Reject(what=called, reason="no needle", detail=str(error))
        yield from stack.unread

    def aggregate(self, scores: Sequence[Score]) -> dict[str, float]:
        """Return the mean over cells, each alike however many questions it has, and the mean over questions."""
        return macro_and_micro(scores)

    def _spots(self, done: Mapping[Spot, list[float]]) -> Iterator[tuple[Spot, int]]:
        """Yield the cells, and the number of each question in its cell; earlier rounds have taken the first numbers."""
        grid = [Spot(length, depth) for length in self.lengths for depth in range(self.depths)]
        if self.budget:
            counts = spent({spot: done.get(spot, []) for spot in grid}, self.budget)
        else:
            counts = dict.fromkeys(grid, self.samples_per_cell)
        for spot in grid:
            first = len(done.get(spot, ()))
            yield from ((spot, number) for number in range(first, first + counts[spot]))

    def _sample(self, name: str, called: str, spot: Spot, stack: Haystack) -> Sample:
        number = called.rpartition("-")[2]
        pages = stack.draw(self._generator(f"{spot.length}-{number}"), int(size(spot.length)))
        stretch = range(len(pages))[
            int(spot.depth / self.depths * len(pages)) : int((spot.depth + 1) / self.depths * len(pages))
        ]
        hide = _line if self.kind == "line" else _note
        place, question, note, answer = hide(self._generator(called), pages, stretch, stack)
        before, behind = ([page.image for page in part] for part in (pages[:place], pages[place:]))
        prompt = (Message("user", (*before, *([Text(note)] if note else []), *behind, Text(question))),)
        return Sample(
            id=called,
            benchmark=name,
            task=f"{(spot.depth + 0.5) / self.depths:.0%}",
            length=spot.length,
            cluster=pages[min(place, len(pages) - 1)].document,
            prompt=prompt,
            gold=Gold(answer, evidence=() if note else (place,)),
            facts={
                "question": question,
                "depth": place / max(len(pages) - 1, 1),
                "depth_bin": spot.depth,
                "tokens": stack.count(prompt),
            },
        )

    def _generator(self, called: str) -> np.random.Generator:
        digest = hashlib.sha256(f"{self.seed}:{called}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _line(
    rng: np.random.Generator, pages: Sequence[Page], stretch: Sequence[int], stack: Haystack
) -> tuple[int, str, str, str]:
    """Return the place of a page with a line that no other page shown has, the question and the answer.

    Raises:
        DataError: no page in the stretch has one.
    """
    lines = [stack.lines(page) for page in pages]
    for place in rng.permutation(stretch).tolist():
        others = "\n".join("\n".join(found) for other, found in enumerate(lines) if other != place)
        for line in rng.permutation(np.array(lines[place], object)).tolist():
            words = line.split()
            begin, end = " ".join(words[:-_WORDS]), " ".join(words[-_WORDS:])
            if len(words) >= 2 * _WORDS and begin not in others and "\n".join(lines[place]).count(begin) == 1:
                question = f'One printed line begins with "{begin}". Write the last {_WORDS} words of that line.'
                return place, question, "", end
    raise DataError(f"{len(stretch)} of {len(pages)} pages: no line of {2 * _WORDS} words that is there once")


def _note(
    rng: np.random.Generator, pages: Sequence[Page], stretch: Sequence[int], stack: Haystack
) -> tuple[int, str, str, str]:
    """Return the place before which a sentence stands, the question, the sentence and the answer."""
    if not stretch:
        raise DataError(f"{len(pages)} pages: fewer than depths")
    city = rng.choice(_CITIES.split())
    number = str(rng.integers(10_000, 100_000))
    question = f"Which number do the pages give for {city}? Write the number alone."
    return int(rng.choice(stretch)), question, f"The number for {city} is {number}.", number


def _earlier(scores: Path | None) -> dict[Spot, list[float]]:
    """Return the marks of earlier rounds by cell."""
    found: dict[Spot, list[float]] = defaultdict(list)
    for score in read_jsonl(scores / "scores.jsonl", Score) if scores else ():
        found[Spot(score.length, int(score.facts["depth_bin"]))].append(score.value)
    return found


def spent(marks: Mapping[Spot, Sequence[float]], budget: int) -> dict[Spot, int]:
    """Return how many questions each cell gets: each goes where it lowers the variance of a cell's mean most.

    A cell's mean is that of a beta distribution after the uniform prior. With s = n + 2 its variance is
    p (1 - p) / (s + 1), and one more question lowers it by p (1 - p) / ((s + 1) (s + 2)).
    """
    gains: list[tuple[float, int, float, float]] = []
    spots = list(marks)
    for place, spot in enumerate(spots):
        total = len(marks[spot]) + 2.0
        share = (sum(marks[spot]) + 1) / total
        gains.append((-share * (1 - share) / ((total + 1) * (total + 2)), place, share, total))
    heapify(gains)
    counts = dict.fromkeys(spots, 0)
    for _ in range(budget if gains else 0):
        _, place, share, total = gains[0]
        counts[spots[place]] += 1
        total += 1
        heapreplace(gains, (-share * (1 - share) / ((total + 1) * (total + 2)), place, share, total))
    return counts
