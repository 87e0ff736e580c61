"""MMLongBench's rules for its other tasks: substrings, sums of counts, option letters, class numbers, yes and no."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from mmprolong.errors import DataError, nearest
from mmprolong.evaluation.scorers import by_rule, fact
from mmprolong.evaluation.scorers._rouge import ROUGE
from mmprolong.evaluation.scorers._words import after_prefix, normal
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample

_PREFIXES = {"cls_acc": "label:", **{f"rouge:{name}": "Summary:" for name in ROUGE}}
"""Begin of the model's turn, where it is not 'Answer:'."""


@dataclass(frozen=True)
class MMLongBenchTasks:
    """The better score of the whole reply and of its answer behind the prefix; the gold's format names the metric.

    Source: https://github.com/EdinburghNLP/MMLongBench/blob/22b9f27d/data.py (default_post_process), utils.py.
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> Any:
        """Return the metric, in [0, 1]; of `parse_output` the answer behind the prefix."""
        metric, gold = sample.gold.format, sample.gold.answer
        if metric == "parse_output":
            return after_prefix(reply, fact(sample, "prefix"))
        if metric == "binary_acc":
            return float(_yes(reply, int(fact(sample, "default_answer"))) == _yes(gold, -1))
        if metric not in METRICS:
            raise DataError(f"answer_format: {metric!r} has no rule; {nearest(metric, METRICS)}")
        answer = after_prefix(reply, _PREFIXES.get(metric, "Answer:"))
        return float(max(METRICS[metric](reply, gold), METRICS[metric](answer, gold)))

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        last = sample.prompt[-1] if sample.prompt else None
        begun = last.text if last and last.role == "assistant" else ""
        return by_rule(self.value, sample, begun + reply)


def _substring(reply: str, gold: Any) -> bool:
    return max(normal(each) in normal(reply) for each in _golds(gold))


def _golds(gold: Any) -> list[str]:
    golds = [gold] if isinstance(gold, str) else gold
    return [each for group in golds for each in group] if isinstance(golds[0], list) else golds


def _same_sum(reply: str, gold: Any) -> bool:
    """Compare sums only: officially so that a list of zeros, right for most pages, earns nothing."""
    return sum(_counts(normal(reply, keep_punctuation=True))) == sum(gold)


def _counts(text: str) -> list[int]:
    """Return the last list of whole numbers, else of anything that can be made whole, else all digits."""
    plain = re.findall(r"\[[\d\s,]+\]", text)
    with suppress(ValueError):
        if plain:
            return json.loads(plain[-1])
    lists = re.findall(r"\[.*?\]", text, re.DOTALL)
    with suppress(json.JSONDecodeError):
        if lists:
            return [int(item) for item in json.loads(lists[-1]) if _is_whole(item)]
    return [int(digits) for digits in re.findall(r"\d+", text)]


def _is_whole(item: Any) -> bool:
    try:
        int(item)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _letter(reply: str, gold: Any) -> bool:
    """Compare the place of the option that the reply names, from A to J, with the gold's."""
    text = " ".join(reply.split())
    found = re.search(r"answer is \(?([A-J])", text) or re.search(r"[aA]nswer:\s*([A-J])", text)
    lone = re.findall(r"\b[A-J]\b", text)
    letter = found[1] if found else lone[-1] if lone else None
    return (ord(letter) - ord("A") if letter else -1) == gold


def _class_number(reply: str, gold: Any) -> bool:
    """Compare the number behind 'label:', else the last one that stands alone, else the first digits."""
    text = " ".join(reply.split())
    labelled = re.search(r"label:\s*(\d+)", text, re.IGNORECASE)
    lone, digits = re.findall(r"\b\d+\b", text), re.findall(r"\d+", text)
    number = labelled[1] if labelled else lone[-1] if lone else digits[0] if digits else -1
    return int(number) == gold


def _yes(text: str, default: int) -> int:
    """Return 1 for the last yes, 0 for the last no, a reply's digits as they are, else `default`."""
    plain = normal(text, keep_punctuation=True)
    words = re.findall(r"\b(?:yes|no)\b", plain)
    if words:
        return int(words[-1] == "yes")
    return int(plain) if plain.isdigit() else default


def _best(rule: Callable[[str, str], float], reply: str, gold: Any) -> float:
    return max(rule(reply, each) for each in _golds(gold))


METRICS: dict[str, Callable[[str, Any], float]] = {
    "sub_em": _substring,
    "soft_acc": _same_sum,
    "mc_acc": _letter,
    "cls_acc": _class_number,
    **{f"rouge:{name}": partial(_best, rule) for name, rule in ROUGE.items()},
}
