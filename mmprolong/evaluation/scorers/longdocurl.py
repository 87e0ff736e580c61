"""LongDocURL's rule on extracted answers: numbers by value, text by edit distance, lists by each item's best match."""

import re
from dataclasses import dataclass
from math import isclose, sqrt
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers._edit_distance import anls
from mmprolong.evaluation.scorers.mmlongbench_doc import VERBATIM, as_list, is_number
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_UNITS = ("kg", "meters", "acres", "minutes", "miles", "mile", "feet", "million", "thousand", "billion", "mm", "m")


@dataclass(frozen=True)
class LongDocUrl:
    """The rule; the official pipeline has a language model extract a short answer from the reply first.

    Source: https://github.com/dengc2023/LongDocURL/blob/3807c0e5/utils/utils_score_v3.py (eval_score).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return the agreement of an extracted answer with the gold answer, in [0, 1]."""
        gold, kind = sample.gold.answer, sample.gold.format
        if kind == "Integer":
            return float(_same_whole(gold, reply))
        if kind == "Float":
            return float(_same_fraction(gold, reply))
        if kind in ("String", "None"):
            return _same_text(_cleaned(gold), _cleaned(reply))
        return _same_list(as_list(gold), as_list(reply))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)


def _same_whole(gold: Any, response: Any) -> bool:
    try:
        return int(_cleaned(gold)) == int(_cleaned(response))
    except ValueError:
        return False


def _same_fraction(gold: Any, response: Any) -> bool:
    wanted = float(_cleaned(gold))
    try:
        number = float(_cleaned(response))
    except ValueError:
        return False
    return any(isclose(form, number, rel_tol=0.01) for form in (wanted / 100, wanted, wanted * 100))


def _same_text(gold: str, response: str) -> float:
    return float(gold == response) if VERBATIM.search(gold) else anls(response, gold)


def _same_list(gold: list[Any], response: list[Any]) -> float:
    """Compare in order where the first gold is a number or must be verbatim; else each gold with its best answer."""
    wanted, answers = [_cleaned(item) for item in gold], [_cleaned(item) for item in response]
    if is_number(wanted[0]) or VERBATIM.search(wanted[0]):
        return float("-".join(wanted) == "-".join(answers))
    if not answers:
        raise IndexError("no answers")
    best = [max(anls(answer, item) for answer in answers) for item in wanted]
    return sum(best) / len(best) * sqrt(min(1, len(wanted) / len(answers)))


def _cleaned(answer: Any) -> str:
    """Return `answer` without commas, units, parentheses, outer quotes and signs.

    With a unit go all letters before it that are in it: 'aluminum' becomes 'alu', as officially.
    """
    text = str(answer).lower().strip().replace(",", "")
    for unit in _UNITS if text.endswith(_UNITS) else ():
        if text.endswith(unit):
            text = text.rstrip(unit).strip()
    if "(" in text:
        text = re.sub(r"\s*\([^)]*\)", "", text).strip()
    text = re.sub(r"\A['\"]|['\"]\Z", "", text).strip()
    return text.lstrip("$").strip().lstrip("£").strip().rstrip("%").strip()
