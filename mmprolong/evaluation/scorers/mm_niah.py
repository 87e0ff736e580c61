"""MM-NIAH's own rule: option letters, counts place by place, words after the normalisation of VQA."""

import json
import re
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, ClassVar

from mmprolong.evaluation.scorers import by_rule
from mmprolong.evaluation.scorers._vqa_words import vqa_normal
from mmprolong.llm.requests import Flow
from mmprolong.records import Mark, Sample


@dataclass(frozen=True)
class MMNiah:
    """The type of the gold answer decides: a number is an option's place, a list holds counts, text is text.

    Source: https://github.com/OpenGVLab/MM-NIAH/blob/2fd03ddc/calculate_scores.py (is_correct).
    """

    version: ClassVar[int] = 1

    def value(self, sample: Sample, reply: Any) -> float:
        """Return 0 or 1; of a list the share of its places that are right."""
        gold, response = sample.gold.answer, reply.strip(".")
        if isinstance(gold, int):
            return float(int(response) == gold if response.isdigit() else _letter(response) == gold)
        if isinstance(gold, list):
            return _share_of_places(gold, response)
        pattern = rf"\b{re.escape(vqa_normal(gold))}\b"
        return float(re.search(pattern, vqa_normal(response)) is not None)

    def score(self, sample: Sample, reply: str) -> Flow[Mark]:
        """Mark by the rule."""
        return by_rule(self.value, sample, reply)


def _letter(response: str) -> int | None:
    """Return the place of the only letter that is left of a reply."""
    text = response.lower().replace("the answer is", "").replace("*", "")
    if "." in text:
        text = text.partition(".")[0].replace(",", "")
    text = text.strip()
    if "the camera is moving left" in text:
        text = "a"
    elif "the camera is moving right" in text:
        text = "b"
    return ord(text) - ord("a") if len(text) == 1 else None


def _share_of_places(gold: list[Any], response: str) -> float:
    try:
        counts = json.loads(response.replace("json", "").replace("```", "").strip())
        if isinstance(counts, dict):
            counts = reduce(add, counts.values(), [])
    except (RecursionError, TypeError, ValueError):
        return 0.0
    if not isinstance(counts, list):
        return 0.0
    return sum(one == other for one, other in zip(counts, gold, strict=False)) / len(gold)
