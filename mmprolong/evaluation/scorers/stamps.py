"""Answers about stamps: a value, a list of keys and values, or a conclusion after `=`."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import mark
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample


@dataclass(frozen=True)
class Stamps:
    """A conclusion or a single value counts if it is equal; a list by the F1 of its key-value pairs.

    Source: arXiv 2605.13831, appendix B.1 (lists).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the agreement with the gold answer, in [0, 1]."""
        return _agreement(_compared(reply, sample.gold.answer), sample.gold.answer)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule; of a conclusion the text behind its last `=` is compared."""
        yield from ()
        response = _compared(reply, sample.gold.answer)
        return mark(lambda: _agreement(response, sample.gold.answer), response)


def _compared(reply: str, gold: str) -> str:
    if "=" in gold:
        return reply.rpartition("=")[2].strip() if "=" in reply else ""
    return reply.strip()


def _agreement(response: str, gold: str) -> float:
    if "=" in gold or " " not in gold:
        return float(response == gold.rpartition("=")[2].strip())
    response_pairs, gold_pairs = _pairs(response), _pairs(gold)
    return 2 * (response_pairs & gold_pairs).total() / (response_pairs.total() + gold_pairs.total())


def _pairs(text: str) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter(tuple(words[start : start + 2]) for start in range(0, len(words), 2))
