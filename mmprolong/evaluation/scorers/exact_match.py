"""Equality after normalisation of case, white space and the final full stop; numbers by value; lists as sets."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_NUMBER = re.compile(r"[+-]?(?:(?:\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?|\.\d+)", re.ASCII)
"""Commas stand only between thousands."""


@dataclass(frozen=True)
class ExactMatch:
    """The scorer of questions that we write; a list's items are separated by ';'."""

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return 1 if the reply equals the gold answer after normalisation, else 0."""
        return float(_items(reply) == _items(sample.gold.answer))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)


def _items(text: str) -> frozenset[str | Decimal]:
    return frozenset(_item(item) for item in text.rstrip(" \n.;").split(";"))


def _item(text: str) -> str | Decimal:
    plain = " ".join(text.casefold().split()).rstrip(" .")
    return Decimal(plain.replace(",", "")) if _NUMBER.fullmatch(plain) else plain
