"""MLVU's rule: the character before the first closing parenthesis, or the whole reply, is the option's letter."""

from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample


@dataclass(frozen=True)
class Mlvu:
    """Gold answers read '(A) text'.

    Source: https://github.com/JUNJIE99/MLVU/blob/fd060c10/evaluation/models/videollava/choice_bench.py (check_ans).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return 1 if the letters are equal, else 0."""
        gold = sample.gold.answer
        letter = gold[gold.index("(") + 1 : gold.index(")")]
        if ")" in reply:
            end = reply.index(")")
            reply = reply[end - 1 : end]
        return float(reply == letter)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)
