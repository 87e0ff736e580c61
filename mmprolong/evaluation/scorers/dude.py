"""DUDE's ANLS: the best gold answer, and for lists the best assignment of answers to gold answers."""

import ast
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers._edit_distance import distance
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_THRESHOLD = 0.5


@dataclass(frozen=True)
class Dude:
    """A similarity of exactly one half counts; `answers_variants` are not read, as officially.

    Officially a system submits lists of answers. A reply becomes one: 'Not answerable' is none, a list as Python or
    JSON writes it is its items, anything else is one answer.

    Source: https://github.com/Jordy-VL/DUDEeval/blob/8bd6deac/evaluate_submission.py (evaluate_method).
    """

    version: ClassVar[int] = 2

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the ANLS of one answer or a list of answers."""
        kind, golds = sample.gold.format, sample.gold.answer
        if "list" in kind:
            return _best_assignment(golds, reply)
        if kind == "not-answerable":
            golds, reply = golds or [""], reply or [""]
        return _best(golds, reply)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark the answers in a reply by the rule."""
        return by_rule(lambda question, text: self.value(question, answers_in(text)), sample, reply)


def answers_in(reply: str) -> list[str]:
    """Return the answers in a reply."""
    text = reply.strip()
    if text.rstrip(".").casefold() in ("", "not answerable"):
        return []
    try:
        found = ast.literal_eval(text) if text.startswith("[") else None
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        found = None
    return [str(each) for each in found] if isinstance(found, list) else [text]


def _best(golds: list[str], response: str | list[str]) -> float:
    first = (response[0] if isinstance(response, list) else response) if response else ""
    alike = 1 - min(_difference(gold, first) for gold in golds)
    return alike if alike >= _THRESHOLD else 0.0


def _difference(gold: str, response: str) -> float:
    """Return the distance of the plain texts as a share of the longer one's length as it was written."""
    longer = max(len(gold.upper()), len(response.upper()))
    return distance(_plain(gold), _plain(response)) / longer if longer else 0.0


def _plain(text: str) -> str:
    return " ".join(text.strip().lower().split())


def _best_assignment(golds: list[str], response: list[str]) -> float:
    from scipy.optimize import linear_sum_assignment

    answers = max(len(set(golds)), len(response))
    if not golds or not response:
        return 0.0 / answers
    alike = [[_best([gold], answer) for answer in response] for gold in golds]
    rows, columns = linear_sum_assignment(alike, maximize=True)
    return sum(alike[row][column] for row, column in zip(rows, columns, strict=True)) / answers
