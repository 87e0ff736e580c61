"""ROUGE-L and its summary form, on stemmed words."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from mmprolong.evaluation.scorers._porter import stem


class Rouge(NamedTuple):
    """Shares of words in common."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0


def rouge_l(gold: str, response: str) -> Rouge:
    """Return the longest common subsequence as a share of either text.

    Source: C.-Y. Lin, ROUGE (2004), sections 3.1 and 3.2, as the package rouge_score has it with its stemmer.
    """
    wanted, words = _words(gold), _words(response)
    if not wanted or not words:
        return Rouge(0.0, 0.0)
    common = _common(_rows(wanted, words)[-1], len(words))
    return Rouge(common / len(words), common / len(wanted))


def rouge_l_sum(gold: str, response: str) -> Rouge:
    """Return the words of each gold line that any line of the response has in order, none counted twice."""
    wanted = [_words(line) for line in gold.split("\n") if line]
    lines = [_words(line) for line in response.split("\n") if line]
    gold_left, left = Counter(chain(*wanted)), Counter(chain(*lines))
    gold_total, total = gold_left.total(), left.total()
    if not gold_total or not total:
        return Rouge(0.0, 0.0)
    hits = 0
    for line in wanted:
        for place in sorted({place for other in lines for place in _subsequence(line, other)}):
            word = line[place]
            if gold_left[word] > 0 and left[word] > 0:
                hits += 1
                gold_left[word] -= 1
                left[word] -= 1
    return Rouge(hits / total, hits / gold_total)


ROUGE: Mapping[str, Callable[[str, str], float]] = {
    "rougeL_f1": lambda response, gold: rouge_l(gold, response).f1,
    "rougeL_recall": lambda response, gold: rouge_l(gold, response).recall,
    "rougeLsum_f1": lambda response, gold: rouge_l_sum(gold, response).f1,
    "rougeLsum_recall": lambda response, gold: rouge_l_sum(gold, response).recall,
}
"""Metrics of a response and a gold answer, by the names that benchmarks give them."""


def _words(text: str) -> list[str]:
    """Return runs of ASCII letters and digits in lower case; of more than 3 characters the stem."""
    return [stem(word) if len(word) > 3 else word for word in re.findall("[a-z0-9]+", text.lower())]


def _rows(wanted: Sequence[str], words: Sequence[str]) -> list[int]:
    """Return a row of bits for each word of `wanted`: zeros among the lowest j are what both have in common so far.

    Source: H. Hyyrö, Bit-parallel LCS-length computation revisited (2004).
    """
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << place
    row = full = (1 << len(words)) - 1
    rows = [row]
    for word in wanted:
        same = row & places.get(word, 0)
        row = ((row + same) | (row - same)) & full
        rows.append(row)
    return rows


def _common(row: int, length: int) -> int:
    return length - (row & ((1 << length) - 1)).bit_count()


def _subsequence(wanted: Sequence[str], words: Sequence[str]) -> list[int]:
    """Return the places in `wanted` of one longest common subsequence: of several, the one that ROUGE takes."""
    rows = _rows(wanted, words)
    found, row, column = [], len(wanted), len(words)
    while row and column:
        if wanted[row - 1] == words[column - 1]:
            found.append(row - 1)
            row, column = row - 1, column - 1
        elif _common(rows[row], column - 1) > _common(rows[row - 1], column):
            column -= 1
        else:
            row -= 1
    return found
